import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRestServer, type RestServer } from "../support/rest-server.ts";
import {
  createWorld,
  type Row,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
} from "../support/world.ts";

const LIMIT = { perSecond: 1, burst: 1 };
const SYNCS = 3;
const ENTITIES = ["a", "b", "c", "d"];
const PAGES = 2;

describe("syncs that share one credential", () => {
  let world: World;
  let api: RestServer;
  const workers: WorkerProcess[] = [];

  beforeAll(async () => {
    world = await createWorld();
    api = await createRestServer();
    for (const name of ENTITIES) {
      const records = Array.from({ length: PAGES * api.pageSize }, (_, id) => ({ id: id + 1, name }));
      api.collections.set(name, records);
    }
    for (let index = 0; index < 2; index++) {
      workers.push(await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" }));
    }
  });
  afterAll(async () => {
    await world.close();
    await api.close();
  });

  const ticketsOf = (runId: string) =>
    world.db.selectFrom("requestTickets").selectAll().where("runId", "=", runId).execute();

  it("keep to its limit together and keep their places, also when a worker is killed, and leave nothing behind", async () => {
    const config = {
      baseUrl: api.baseUrl,
      resources: ENTITIES.map((name) => ({
        ...{ name, path: `cursor/${name}`, primaryKey: ["id"] },
        paginator: { type: "cursor", nextPath: "next", param: "cursor" },
        // What is declared is not looked for.
        ...{ fields: { id: "bigint", name: "text" }, additionalFields: "ignore" },
      })),
    };
    const { status: created, body: connection } = await world.api("POST", "/connections", {
      ...{ name: `api ${randomUUID()}`, provider: "http_api", config },
    });
    expect([created, connection]).toEqual([201, expect.anything()]);
    const syncs: Row[] = [];
    for (let index = 0; index < SYNCS; index++) {
      const tableBindings = ENTITIES.map((entityKey) => ({ entityKey, tableName: `${entityKey}_${index}` }));
      const asked = { connectionId: connection.id, entities: ENTITIES, executionMode: "fan_out_entity" as const };
      syncs.push(await world.createSync({ ...asked, tableBindings }));
    }
    // From here on it counts: what was asked before was not limited.
    const { status } = await world.api("PATCH", `/connections/${connection.id}`, {
      config: { ...config, rateLimit: LIMIT },
    });
    expect(status).toBe(200);
    const before = api.requests.length;
    const startedAt = performance.now();
    const runs = await Promise.all(syncs.map((sync) => trigger(world, sync.id)));

    const waiting = await until(
      "a slice that waits for its turn without a slot",
      async () => {
        const rows = await world.db.selectFrom("runSlices").selectAll().where("status", "=", "waiting").execute();
        return rows.find(({ waitUntil }) => waitUntil !== null && waitUntil.getTime() > Date.now()) ?? null;
      },
      180_000,
    );
    expect(waiting.waitReason).toBe("source_rate_limited");
    // Its place is there although its activity has ended.
    const holder = `${waiting.runId}/${waiting.sliceNo}`;
    expect((await ticketsOf(waiting.runId)).map((ticket) => ticket.holder)).toContain(holder);

    await workers[0]?.kill();
    for (const run of runs) {
      const ended = await whenChainEnded(world, run.id, 300_000);
      expect(ended).toMatchObject({ id: run.id, status: "succeeded", attemptNumber: 1 });
      expect(ended.summary.rowsWritten).toBe(ENTITIES.length * PAGES * api.pageSize);
      expect(await ticketsOf(run.id)).toEqual([]);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    expect(api.requests.length - before).toBeLessThanOrEqual(LIMIT.burst + LIMIT.perSecond * seconds);
  }, 600_000);
});
