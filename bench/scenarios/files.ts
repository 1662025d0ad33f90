import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import type { Bench } from "../lib/bench.ts";
import {
  type BucketServer,
  createBucketDirectory,
  findWrongRows,
  HEADER,
  makePlainTable,
  measureBucketLoad,
  serveBucket,
} from "../lib/bucket.ts";
import { quoteShell, runShell } from "../lib/psql.ts";
import { type Contender, race } from "../lib/race.ts";
import { type Outcome, speedRatio } from "../lib/samples.ts";
import { SCHEMA } from "../lib/syncs.ts";

const SLUICE = "Sluice, s3";
const PLAIN_TABLE = `${SCHEMA}.plain_orders`;

const PSQL = "psql \\copy of the file";

/** One large CSV file of a bucket, beside psql that reads the same file from disk into a table of the same types, which has no key. */
async function csv(bench: Bench): Promise<Outcome> {
  const { rows, say } = bench;
  const directory = await createBucketDirectory();
  try {
    say(`  making a CSV file of ${rows.toLocaleString("en-US")} rows`);
    await directory.addFile("orders.csv", rows);
    const server = await serveBucket(bench, directory);
    const load = () => measureBucketLoad(bench, server, { glob: "orders.csv", rows, executionMode: "sequential" });
    try {
      // Whoever is first finds cold processes.
      await load();
      const standings = await race(bench, [
        { name: SLUICE, run: load },
        psqlContender(bench, join(directory.path, "orders.csv")),
      ]);
      const peakRssMb = standings[0]?.peakRssMb ?? Number.NaN;
      return {
        title: "A CSV file of a bucket",
        standings,
        targets: [
          { what: `Sluice / ${PSQL}`, value: speedRatio(standings, SLUICE, PSQL), atLeast: 0.7 },
          { what: "peak memory of the worker, MB", value: peakRssMb, atMost: 400 },
        ],
      };
    } finally {
      await server.stop();
    }
  } finally {
    await directory.remove();
    await bench.warehouse.query(`drop table if exists ${PLAIN_TABLE}`);
  }
}

function psqlContender(bench: Bench, path: string): Contender {
  return {
    name: PSQL,
    async run() {
      await makePlainTable(bench, PLAIN_TABLE);
      const copy = `\\copy ${PLAIN_TABLE} from '${path}' with (format csv, header)`;
      const startedAt = performance.now();
      const fault = await runShell(`psql -qX ${quoteShell(bench.info.warehouseUrl)} -c ${quoteShell(copy)}`);
      const seconds = (performance.now() - startedAt) / 1000;
      const { rows } = bench;
      return {
        ...{ seconds, rows, peakRssMb: null },
        fault: fault ?? (await findWrongRows(bench, PLAIN_TABLE, rows)),
      };
    },
  };
}

const FETCH = "parallel fetch, COPY";
/** `--rows 2000000` makes 100,000 objects. */
const ROWS_EACH = 20;
const FETCHES_AT_ONCE = 32;

/** Many small objects, beside a program that does no more than it must: pages, 32 fetches at a time, one COPY. */
async function objects(bench: Bench): Promise<Outcome> {
  const count = Math.max(1, Math.floor(bench.rows / ROWS_EACH));
  const rows = count * ROWS_EACH;
  const directory = await createBucketDirectory();
  try {
    bench.say(`  making ${count.toLocaleString("en-US")} objects of ${ROWS_EACH} rows`);
    await directory.addObjects("in", count, ROWS_EACH);
    const server = await serveBucket(bench, directory);
    const sluice = (name: string, executionMode: "sequential" | "fan_out_window"): Contender => ({
      name,
      run: () => measureBucketLoad(bench, server, { glob: "in/**/*.csv", rows, executionMode }),
    });
    try {
      await sluice(SLUICE, "sequential").run();
      const fanOut = `${SLUICE}, fan_out_window`;
      const standings = await race(bench, [
        sluice(SLUICE, "sequential"),
        sluice(fanOut, "fan_out_window"),
        fetchContender(bench, server, rows),
      ]);
      return {
        title: "Small objects of a bucket",
        standings,
        targets: [
          { what: `fan_out_window / ${FETCH}`, value: speedRatio(standings, fanOut, FETCH), atLeast: 0.7 },
          { what: `sequential / ${FETCH}`, value: speedRatio(standings, SLUICE, FETCH) },
          { what: "objects a second, fan_out_window", value: count / (standings[1]?.seconds.median ?? Number.NaN) },
        ],
      };
    } finally {
      await server.stop();
    }
  } finally {
    await directory.remove();
    await bench.warehouse.query(`drop table if exists ${PLAIN_TABLE}`);
  }
}

function fetchContender(bench: Bench, server: BucketServer, rows: number): Contender {
  return {
    name: FETCH,
    async run() {
      await makePlainTable(bench, PLAIN_TABLE);
      const client = await bench.warehouse.connect();
      const startedAt = performance.now();
      try {
        const copy = client.query(copyFrom(`copy ${PLAIN_TABLE} from stdin with (format csv)`));
        await pipeline(Readable.from(fetchAll(server.endpoint), { objectMode: false }), copy);
      } finally {
        client.release();
      }
      const seconds = (performance.now() - startedAt) / 1000;
      return { ...{ seconds, rows, peakRssMb: null }, fault: await findWrongRows(bench, PLAIN_TABLE, rows) };
    },
  };
}

/** The rows of all objects, in any order. */
async function* fetchAll(endpoint: string): AsyncGenerator<Buffer> {
  const pending = new Set<Promise<void>>();
  const done: Buffer[] = [];
  let token: string | null = "";
  while (token !== null) {
    const response = await fetch(`${endpoint}/bench?list-type=2&prefix=in/&continuation-token=${token}`);
    const page: string = await response.text();
    token = /<NextContinuationToken>([^<]+)</.exec(page)?.[1] ?? null;
    for (const [, key = ""] of page.matchAll(/<Key>([^<]+)<\/Key>/g)) {
      const fetched: Promise<void> = fetchOne(`${endpoint}/bench/${decodeURIComponent(key)}`).then((content) => {
        done.push(content);
        pending.delete(fetched);
      });
      pending.add(fetched);
      if (pending.size >= FETCHES_AT_ONCE) await Promise.race(pending);
      if (done.length > 0) yield Buffer.concat(done.splice(0));
    }
  }
  await Promise.all(pending);
  yield Buffer.concat(done);
}

async function fetchOne(url: string): Promise<Buffer> {
  const response = await fetch(url);
  return Buffer.from(await response.arrayBuffer()).subarray(HEADER.length);
}

export const files = { "files/csv": csv, "files/objects": objects };
