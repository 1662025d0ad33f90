import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Sync, unwrap } from "../../client/index.ts";
import type { Bench } from "./bench.ts";
import type { Sample } from "./samples.ts";
import { dropSync, runSync, SCHEMA } from "./syncs.ts";

export const HEADER = "id,customer,total,quantity,ordered_at,note\n";
/** As discovery finds them. */
export const COLUMNS =
  "id bigint, customer text, total numeric, quantity bigint, ordered_at timestamp with time zone, note text";

/** The same in every run; one cell in nine has to be quoted. */
export function lineOf(id: number): string {
  const day = String(1 + (id % 28)).padStart(2, "0");
  const note = id % 9 === 0 ? `"said ""yes"", then left"` : "x".repeat(id % 60);
  return `${id},customer-${id % 50_021}@shop.example,${id % 10_000}.50,${id % 50},2026-11-${day}T12:34:56Z,${note}\n`;
}

/** A directory that a server shows as a bucket. */
export interface BucketDirectory {
  path: string;
  /** One file of so many rows. */
  addFile(key: string, rows: number): Promise<void>;
  /** Files of so many rows each, a thousand in a folder. */
  addObjects(folder: string, count: number, rowsEach: number): Promise<void>;
  remove(): Promise<void>;
}

const ROWS_A_CHUNK = 5_000;

export async function createBucketDirectory(): Promise<BucketDirectory> {
  const path = await mkdtemp(join(tmpdir(), "sluice-bench-bucket-"));
  function* linesOf(rows: number): Generator<string> {
    yield HEADER;
    for (let from = 1; from <= rows; from += ROWS_A_CHUNK) {
      const count = Math.min(ROWS_A_CHUNK, rows - from + 1);
      yield Array.from({ length: count }, (_, i) => lineOf(from + i)).join("");
    }
  }
  return {
    path,
    async addFile(key, rows) {
      await pipeline(Readable.from(linesOf(rows), { objectMode: false }), createWriteStream(join(path, key)));
    },
    async addObjects(folder, count, rowsEach) {
      for (let from = 0; from < count; from += 1000) {
        const place = join(path, folder, String(from / 1000).padStart(4, "0"));
        await mkdir(place, { recursive: true });
        const numbers = Array.from({ length: Math.min(1000, count - from) }, (_, i) => from + i);
        await Promise.all(
          numbers.map((number) => {
            const lines = Array.from({ length: rowsEach }, (_, i) => lineOf(number * rowsEach + i + 1));
            return writeFile(join(place, `${String(number).padStart(7, "0")}.csv`), HEADER + lines.join(""));
          }),
        );
      }
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export interface BucketServer {
  endpoint: string;
  connectionId: string;
  stop(): Promise<void>;
}

export interface BucketProcess {
  endpoint: string;
  connection: { config: Record<string, unknown>; secrets: Record<string, string> };
  stop(): Promise<void>;
}

/** In a process of its own, with a connection to it. */
export async function serveBucket(bench: Bench, directory: BucketDirectory): Promise<BucketServer> {
  const { endpoint, connection, stop } = await serveBucketProcess(bench, directory);
  const { id } = await unwrap(
    bench.sluice.POST("/api/v1/connections", {
      body: { name: `bench bucket ${new Date().toISOString()}`, provider: "s3", ...connection },
    }),
  );
  return { endpoint, connectionId: id, stop };
}

export async function serveBucketProcess(bench: Bench, directory: BucketDirectory): Promise<BucketProcess> {
  const server = spawn(process.execPath, ["bench/processes/serve-bucket.ts", directory.path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [port] = await once(server.stdout, "data", { signal: bench.signal });
  const endpoint = `http://127.0.0.1:${String(port).trim()}`;
  return {
    endpoint,
    connection: {
      config: { bucket: "bench", endpoint, forcePathStyle: true, auth: { type: "keys", accessKeyId: "BENCH" } },
      secrets: { secretAccessKey: "bench-secret-access-key" },
    },
    async stop() {
      const ended = once(server, "close");
      server.stdin.end();
      await ended;
    },
  };
}

let made = 0;

/** A first load of a glob by a sync of its own, proved by count and sum, which leaves nothing behind. */
export async function measureBucketLoad(
  bench: Bench,
  { connectionId }: BucketServer,
  { glob, rows, executionMode }: { glob: string; rows: number; executionMode: Sync["executionMode"] },
): Promise<Sample> {
  const entityKey = "orders";
  const suffix = `${Date.now().toString(36)}_${++made}`;
  const sync = await unwrap(
    bench.sluice.POST("/api/v1/syncs", {
      body: {
        ...{ connectionId, name: `bench ${suffix}`, status: "active", entities: [entityKey], executionMode },
        sourceConfig: { files: [{ name: entityKey, pathGlob: glob, format: { type: "csv" } }] },
        destinationConfig: { schema: SCHEMA },
        tableBindings: [{ entityKey, tableName: `bucket_${suffix}` }],
      },
    }),
  );
  const { sample } = await runSync(bench, sync);
  const table = `${SCHEMA}."${sync.tableBindings[0]?.physicalTableName}"`;
  const fault = sample.fault ?? (await findWrongRows(bench, table, rows));
  await dropSync(bench, sync);
  return { ...sample, fault };
}

/** Null where the table has the rows from 1 to `rows`, each once. */
export async function findWrongRows(bench: Bench, table: string, rows: number): Promise<string | null> {
  const { rows: found } = await bench.warehouse.query<{ count: string; ids: string; total: string }>(
    `select count(*), sum(id) as ids, sum(total) as total from ${table}`,
  );
  const [seen] = found;
  const ids = (BigInt(rows) * BigInt(rows + 1)) / 2n;
  if (Number(seen?.count) !== rows) return `${seen?.count} rows instead of ${rows}`;
  return BigInt(seen?.ids ?? 0) === ids ? null : `the ids add up to ${seen?.ids} instead of ${ids}`;
}

/** An unlogged one would be no match. */
export async function makePlainTable(bench: Bench, table: string, columns = COLUMNS): Promise<void> {
  await bench.warehouse.query(`drop table if exists ${table}`);
  await bench.warehouse.query(`create table ${table} (${columns})`);
}
