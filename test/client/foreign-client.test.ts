import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "@hey-api/openapi-ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ORDERS, seedOrders, whileLocked } from "../support/orders.ts";
import { createWorld, type Row, until, type World } from "../support/world.ts";

/** An operation as the generator makes it: by the name in the document, with path, query and body as the document has them. */
type Operation = (call?: { path?: Row; query?: Row; body?: Row }) => Promise<{ data?: Row; error?: Row }>;

let generated: string;
beforeAll(async () => {
  generated = await mkdtemp(join(tmpdir(), "sluice-foreign-client-"));
  await createClient({
    input: "./docs/openapi.json",
    output: { path: generated, module: { extension: ".ts" } },
    plugins: ["@hey-api/client-fetch", "@hey-api/sdk", "@hey-api/typescript"],
    logs: { level: "silent", file: false },
  });
});
afterAll(() => rm(generated, { recursive: true }));

describe("a client made by somebody else's generator", () => {
  it("compiles under the strictest rules", async () => {
    const tsc = join(process.cwd(), "node_modules/typescript/bin/tsc");
    const options = "--strict --noEmit --allowImportingTsExtensions --module nodenext --target es2024 --lib es2024,dom";
    const args = [tsc, ...options.split(" "), "index.ts"];
    const compiling = promisify(execFile)(process.execPath, args, { cwd: generated });
    await expect(compiling).resolves.toEqual({ stdout: "", stderr: "" });
  });

  describe("drives Sluice", () => {
    let world: World;
    let sdk: Record<string, Operation>;
    beforeAll(async () => {
      world = await createWorld();
      const { client } = await import(join(generated, "client.gen.ts"));
      client.setConfig({ baseUrl: "http://127.0.0.1", fetch: world.fetch });
      sdk = await import(join(generated, "sdk.gen.ts"));
    });
    afterAll(() => world.close());

    async function call(name: string, given: Parameters<Operation>[0]): Promise<Row> {
      const operation = sdk[name];
      if (operation === undefined) throw new Error(`there is no operation ${name}`);
      const { data, error } = await operation(given);
      if (error !== undefined) throw new Error(`${name}: ${JSON.stringify(error)}`);
      return data ?? {};
    }

    function whenEnded(runId: string): Promise<Row> {
      return until(`run ${runId}`, async () => {
        const run = await call("getSyncRun", { path: { run_id: runId } });
        return run.completedAt === null ? null : run;
      });
    }

    it("from a connection to a run that is cancelled, one that goes on from there, and the lists of it all", async () => {
      await seedOrders(world, 500);
      await world.startWorker();
      const connection = await call("createConnection", { body: world.sourceConnection() });
      const check = await call("checkConnection", { path: { connection_id: connection.id } });
      expect(check).toMatchObject({ status: "ok" });
      const sync = await call("createSync", {
        body: { connectionId: connection.id, name: "Orders", entities: [ORDERS], status: "active" },
      });
      const ofSync = { path: { sync_id: sync.id } };

      const first = await whileLocked(world.sourceUrl, "lock table orders", async () => {
        const run = await call("triggerSync", { ...ofSync, body: { runMode: "incremental" } });
        const path = { run_id: run.id };
        await until("the run", async () => ((await call("getSyncRun", { path })).status === "running" ? true : null));
        await call("cancelSyncRun", { path, body: { reason: "not now" } });
        return whenEnded(run.id);
      });
      expect(first).toMatchObject({ status: "cancelled", cancelReason: "not now" });

      const second = await whenEnded((await call("retrySyncRun", { path: { run_id: first.id } })).id);
      expect(second).toMatchObject({ status: "succeeded", previousAttemptRunId: first.id });
      const { slices } = await call("listSyncRunSlices", { path: { run_id: second.id }, query: { limit: 10 } });
      expect(slices).toMatchObject([{ entityKey: ORDERS, status: "done", rowsWritten: 500 }]);

      const runs = await call("listSyncRuns", { ...ofSync, query: { limit: 1, offset: 1 } });
      expect(runs).toMatchObject({ total: 2, hasNext: false, runs: [{ id: first.id }] });
      const syncs = await call("listSyncs", { query: { status: ["active", "paused"], provider: ["postgres"] } });
      expect(syncs.syncs.map(({ id }: Row) => id)).toEqual([sync.id]);
      const paused = await call("updateSync", { ...ofSync, body: { status: "paused", freshnessSlaSeconds: null } });
      expect(paused).toMatchObject({ status: "paused" });
      const catalog = await call("getSyncProviderCatalog", { path: { provider: "postgres" } });
      expect(catalog).toMatchObject({ provider: "postgres" });
      await call("deleteSync", ofSync);
      await call("deleteConnection", { path: { connection_id: connection.id } });
      expect((await sdk.getSync?.(ofSync))?.error).toMatchObject({ code: "not_found" });
    });
  });
});
