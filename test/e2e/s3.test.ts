import { randomBytes, randomUUID } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type S3Server, startS3Server } from "../../scripts/lib/s3-server.ts";
import { type Bucket, connectionConfig, createBucket, S3_SECRETS } from "../providers/s3/bucket.ts";
import { createS3Front, type S3Front } from "../support/s3-front.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

/** From a bucket to the warehouse, by the API and a worker of its own. */
describe("a bucket", () => {
  let server: S3Server;
  let front: S3Front;
  let world: World;
  let worker: WorkerProcess;

  beforeAll(async () => {
    server = await startS3Server(() => undefined);
    front = await createS3Front(server.endpoint);
    world = await createWorld();
    worker = await startWorker();
  });
  afterAll(async () => {
    await world.close();
    await front.close();
    await server.stop();
  });

  const startWorker = () => world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.1" });

  async function createSync(bucket: Bucket, files: Row[], body: Row = {}): Promise<Row> {
    const { body: connection } = await world.api("POST", "/connections", {
      ...{ name: `bucket ${randomUUID()}`, provider: "s3", secrets: S3_SECRETS },
      config: connectionConfig(front.endpoint, bucket.name),
    });
    return world.createSync({
      ...{ connectionId: connection.id, entities: files.map(({ name }) => name), sourceConfig: { files } },
      destinationConfig: { schema: `s${randomUUID().slice(0, 8)}` },
      executionConfig: { heartbeatTimeoutSeconds: 5 },
      ...body,
    } as Parameters<World["createSync"]>[0]);
  }
  const run = async (sync: Row): Promise<Row> => whenChainEnded(world, (await trigger(world, sync.id)).id);
  const csv = (name: string, pathGlob: string, more: Row = {}): Row => ({
    ...{ name, pathGlob, format: { type: "csv" }, ...more },
  });
  async function rowsOf(sync: Row, entityKey: string, columns: string): Promise<string[]> {
    const rows = await world.warehouse(`select concat_ws('|', ${columns}) as row from ${tableOf(sync, entityKey)}`);
    return rows.map(({ row }) => row).sort();
  }
  const remove = ({ client, name }: Bucket, key: string) =>
    client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));

  it("is loaded file by file, and follows what is new, changed and gone there", async () => {
    const bucket = await createBucket(server);
    await bucket.put("o/day=1/a b+ü.csv", "id,total\n1,1.50\n2,20000000000000000000.01\n");
    await bucket.put("o/day=2/b.csv.gz", gzipSync("total,id\n3.00,3\n"));
    await bucket.put("o/day=3/c.csv", "id,total\n4,4\n");
    await bucket.put("o/", "");
    const sync = await createSync(bucket, [csv("orders", "o/**/*.csv*", { pathParts: "hive" })]);
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 4 } });
    const columns = "id, total, day, _file_path, _row_number";
    expect(await rowsOf(sync, "orders", columns)).toEqual([
      ...["1|1.50|1|o/day=1/a b+ü.csv|1", "2|20000000000000000000.01|1|o/day=1/a b+ü.csv|2"],
      ...["3|3.00|2|o/day=2/b.csv.gz|1", "4|4|3|o/day=3/c.csv|1"],
    ]);
    front.requests.length = 0;
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });

    await bucket.put("o/day=1/a b+ü.csv", "id,total,note\n1,1.75,new\n");
    await bucket.put("o/day=4/d.csv", "id,total\n5,5\n");
    await remove(bucket, "o/day=3/c.csv");
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rowsOf(sync, "orders", `id, total, note, day`)).toEqual(["1|1.75|new|1", "3|3.00|2", "5|5|4"]);
  });

  it("shows what lies in it as a table", async () => {
    const bucket = await createBucket(server);
    await bucket.put("x/1.bin", "12345");
    await bucket.put("y.csv", "id\n1\n");
    const sync = await createSync(bucket, [], { entities: ["files"] });
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rowsOf(sync, "files", "file_id, size_bytes")).toEqual(["x/1.bin|5", "y.csv|5"]);
    await remove(bucket, "x/1.bin");
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rowsOf(sync, "files", "file_id, size_bytes")).toEqual(["y.csv|5"]);
  });

  it("has a file that cannot be read, and the others are loaded", async () => {
    const bucket = await createBucket(server);
    await bucket.put("in/good.csv", "id,name\n1,a\n");
    await bucket.put("in/more.csv", "id,name\n2,b\n");
    const sync = await createSync(bucket, [csv("things", "in/*.csv")]);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    await bucket.put("in/bad.csv", 'id,name\n3,"never closed\n');
    await bucket.put("in/other.csv", "id,name\n4,d\n");
    expect(await run(sync)).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
    expect(await rowsOf(sync, "things", "id, name")).toEqual(["1|a", "2|b", "4|d"]);
    await bucket.put("in/bad.csv", "id,name\n3,c\n");
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rowsOf(sync, "things", "id, name")).toEqual(["1|a", "2|b", "3|c", "4|d"]);
  });

  it("has an object that may not be read: it is told in each run until it may be, and its rows stay", async () => {
    const bucket = await createBucket(server);
    await bucket.put("in/a.csv", "id,name\n1,a\n");
    await bucket.put("in/b.csv", "id,name\n2,b\n");
    const sync = await createSync(bucket, [csv("things", "in/*.csv")]);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    const heal = front.answer(({ method, url }) => method === "GET" && url.includes("in/b.csv"), {
      ...{ status: 403, code: "AccessDenied" },
    });
    await bucket.put("in/b.csv", "id,name\n2,B\n");
    await bucket.put("in/c.csv", "id,name\n3,c\n");
    for (let runs = 0; runs < 2; runs += 1) {
      const ended = await run(sync);
      expect(ended).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
      expect(ended.summary.warnings).toMatchObject([
        {
          entityKey: "things",
          message: expect.stringMatching(/^1 file is not loaded.*in\/b\.csv.*Allow s3:GetObject/),
        },
      ]);
      const { body } = await world.api("GET", `/syncs/runs/${ended.id}/events`);
      expect(body.events.map(({ kind }: Row) => kind)).toContain("source.files_left_out");
      expect(await rowsOf(sync, "things", "id, name")).toEqual(["1|a", "2|b", "3|c"]);
    }
    heal();
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1 } });
    expect(await rowsOf(sync, "things", "id, name")).toEqual(["1|a", "2|B", "3|c"]);
    front.answer(({ method, url }) => method === "GET" && url.includes("in/") && !url.includes("list-type"), {
      ...{ status: 403, code: "AccessDenied" },
    });
    await bucket.put("in/d.csv", "id,name\n4,d\n");
    expect(await run(sync)).toMatchObject({ status: "failed", resultReasonCode: "source_permission_denied" });
    front.heal();
    expect(await rowsOf(sync, "things", "id, name")).toEqual(["1|a", "2|B", "3|c"]);
  });

  it("has rows of each version of a file that changes, where the load mode is append_event", async () => {
    const bucket = await createBucket(server);
    await bucket.put("in/a.csv", "id,name\n1,a\n2,b\n");
    const sync = await createSync(bucket, [csv("things", "in/*.csv")], {
      tableBindings: [{ entityKey: "things", loadMode: "append_event" }],
    });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 2 } });
    await bucket.put("in/a.csv", "id,name\n1,A\n2,b\n3,c\n");
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 3 } });
    const all = ["1|A", "1|a", "2|b", "2|b", "3|c"];
    expect(await rowsOf(sync, "things", "id, name")).toEqual(all);
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    await remove(bucket, "in/a.csv");
    await bucket.put("in/b.csv", "id,name\n");
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rowsOf(sync, "things", "id, name")).toEqual(all);
  });

  it("is read again where the settings have changed by which its files are read", async () => {
    const bucket = await createBucket(server);
    await bucket.put("in/a.csv", "exported today\nid;name\n1;a\n2;b\n");
    await bucket.put("in/b.csv", Buffer.from("x\nx\n3;é\n", "latin1"));
    const resource = (format: Row) => [{ name: "things", pathGlob: "in/*.csv", format: { type: "csv", ...format } }];
    const sync = await createSync(bucket, resource({ delimiter: ";", header: false, columns: ["id", "name"] }));
    expect(await run(sync)).toMatchObject({ status: "partial" });
    expect(await rowsOf(sync, "things", "id, name")).toEqual(["1|a", "2|b", "id|name"]);
    const set = (format: Row) => world.api("PATCH", `/syncs/${sync.id}`, { sourceConfig: { files: resource(format) } });
    await set({ delimiter: ";", header: false, columns: ["id", "name"], encoding: "latin1", skipRows: 2 });
    const again = await run(sync);
    expect(again).toMatchObject({ status: "succeeded" });
    expect(again.summary.warnings).toMatchObject([{ message: expect.stringMatching(/read as a whole: the settings/) }]);
    expect(await rowsOf(sync, "things", "id, name, _row_number")).toEqual(["1|a|1", "2|b|2", "3|é|1"]);
    expect(await run(sync)).toMatchObject({ resultReasonCode: "no_new_data" });
  });

  it("is read on by another worker where one was killed in the middle of a large file", async () => {
    const bucket = await createBucket(server);
    const lines = Array.from({ length: 150_000 }, (_, i) => `${i},${"x".repeat(55)}\n`);
    await bucket.put("in/small.csv", "id,note\n-1,first\n");
    const sync = await createSync(bucket, [csv("large", "in/*.csv")], {
      executionConfig: { heartbeatTimeoutSeconds: 5, batchRows: 20_000 },
    });
    // Until a table is there, a slice commits as a whole.
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    await bucket.put("in/large.csv", ["id,note\n", ...lines].join(""));
    const goOn = front.stall(({ method, url }) => method === "GET" && url.includes("large.csv"));
    const { id } = await trigger(world, sync.id);
    await until("some rows", async () => {
      const found = await world.warehouse("select 1 from _sluice.files where status = 'loading'").catch(() => []);
      return found.length > 0 ? true : null;
    });
    await worker.kill();
    goOn();
    front.heal();
    worker = await startWorker();
    expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", summary: { rowsRead: 150_000 } });
    const [found] = await world.warehouse(
      `select count(*)::int as rows, count(distinct id)::int as ids from ${tableOf(sync, "large")}`,
    );
    expect(found).toEqual({ rows: 150_001, ids: 150_001 });
    expect(front.requests.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
  });

  it.each([
    ["gzip", "append_event", csv("large", "in/*"), gzipSync, (i: number, note: string) => `${i},${note}\n`],
    [
      ...(["zstd", "upsert"] as const),
      { ...csv("large", "in/*", { primaryKey: ["id"] }), format: { type: "ndjson" } },
      ...[zstdCompressSync, (i: number, note: string) => `{"id":${i},"note":"${note}"}\n`],
    ],
  ] as const)(
    "has each row of a large file of %s once under %s, where a worker was killed in the middle of it",
    async (_, loadMode, resource, pack, lineOf) => {
      const bucket = await createBucket(server);
      const header = lineOf(0, "").startsWith("{") ? "" : "id,note\n";
      await bucket.put("in/a", pack(`${header}${lineOf(-1, "first")}`));
      const sync = await createSync(bucket, [resource], {
        tableBindings: [{ entityKey: "large", loadMode }],
        executionConfig: { heartbeatTimeoutSeconds: 5, batchRows: 10_000 },
      });
      expect(await run(sync)).toMatchObject({ status: "succeeded" });
      const notes = randomBytes(16 * 200_000).toString("hex");
      const lines = Array.from({ length: 200_000 }, (_, i) => lineOf(i, notes.slice(32 * i, 32 * i + 32)));
      await bucket.put("in/large", pack(header + lines.join("")));
      const goOn = front.stall(({ method, url }) => method === "GET" && url.includes("in/large"));
      const { id } = await trigger(world, sync.id);
      await until("some rows", async () => {
        const found = await world.warehouse("select 1 from _sluice.files where status = 'loading' and sync_id = $1", [
          sync.id,
        ]);
        return found.length > 0 ? true : null;
      });
      await worker.kill();
      goOn();
      front.heal();
      worker = await startWorker();
      expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded" });
      const [found] = await world.warehouse(
        `select count(*)::int as rows, count(distinct id)::int as ids, count(distinct note)::int as notes from ${tableOf(sync, "large")}`,
      );
      expect(found).toEqual({ rows: 200_001, ids: 200_001, notes: 200_001 });
    },
  );
});
