import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { committedRows } from "../support/orders.ts";
import { createRestServer, type RestServer } from "../support/rest-server.ts";
import {
  createWorld,
  getRun,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
} from "../support/world.ts";

const EGRESS = { SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" };
const RECORDS = Array.from({ length: 600 }, (_, n) => ({ id: n + 1, note: `order ${n + 1}` }));

/** The worker dies after the edit, so that another one opens the source in the middle of the same attempt. */
describe("an edit of a REST connection in the middle of a run", () => {
  let world: World;
  let server: RestServer;
  let other: RestServer;
  let worker: WorkerProcess;

  beforeEach(async () => {
    world = await createWorld();
    worker = await world.startWorker(EGRESS);
    server = await createRestServer();
    other = await createRestServer();
    for (const each of [server, other]) {
      each.pageSize = 50;
      each.collections.set("orders", RECORDS);
    }
  });
  afterEach(async () => {
    await world.close();
    await Promise.all([server.close(), other.close()]);
  });

  const configOf = ({ baseUrl }: RestServer, filter: string): Row => ({
    baseUrl,
    auth: { type: "bearer", tokenSecret: "token" },
    resources: [
      {
        name: "orders",
        path: "cursor/orders",
        query: { filter },
        primaryKey: ["id"],
        paginator: { type: "cursor", nextPath: "next", param: "cursor" },
      },
    ],
  });

  async function runDuring(edit: Row): Promise<{ run: Row; sync: Row }> {
    const connection = await world.api("POST", "/connections", {
      ...{ name: `api ${randomUUID()}`, provider: "http_api" },
      ...{ config: configOf(server, "old"), secrets: { token: "first" } },
    });
    const sync = await world.createSync({
      ...{ connectionId: connection.body.id, entities: ["orders"] },
      executionConfig: { batchRows: 50, heartbeatTimeoutSeconds: 5 },
    });
    server.delayMs = 150;
    const run = await trigger(world, sync.id);
    await until("committed rows", async () => ((await committedRows(world)) > 0 ? true : null));
    const { status, body } = await world.api("PATCH", `/connections/${sync.connectionId}`, edit);
    expect(status, JSON.stringify(body)).toBe(200);
    await worker.kill();
    server.delayMs = 0;
    worker = await world.startWorker(EGRESS);
    await whenChainEnded(world, run.id);
    return { run: await getRun(world, run.id), sync };
  }

  const rowsOf = async (sync: Row) => {
    const [count] = await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, "orders")}`);
    return count?.rows;
  };

  it("of what a resource asks for: every page is asked for as it was planned", { timeout: 90_000 }, async () => {
    const { run, sync } = await runDuring({ config: configOf(server, "new") });
    expect(run).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect(new Set(server.requests.map(({ query }) => query.get("filter")))).toEqual(new Set(["old"]));
    expect(await rowsOf(sync)).toBe(600);
  });

  it("of the token alone: the rest is read with the new one", { timeout: 90_000 }, async () => {
    const { run, sync } = await runDuring({ secrets: { token: "second" } });
    expect(run).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect(server.requests.at(-1)?.authorization).toBe("Bearer second");
    expect(await rowsOf(sync)).toBe(600);
  });

  it("of address and token: the new token never travels to the old host, nor the old one to the new", {
    timeout: 90_000,
  }, async () => {
    const { run, sync } = await runDuring({ config: configOf(other, "old"), secrets: { token: "second" } });
    expect(run).toMatchObject({ status: "failed", resultReasonCode: "connection_changed" });
    expect(await getRun(world, String(run.nextAttemptRunId))).toMatchObject({
      status: "succeeded",
      summary: { replanned: true },
    });
    const shown = ({ requests }: RestServer) => [...new Set(requests.map(({ authorization }) => authorization))];
    expect([shown(server), shown(other)]).toEqual([["Bearer first"], ["Bearer second"]]);
    expect(await rowsOf(sync)).toBe(600);
  });
});
