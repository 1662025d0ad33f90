import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beatWorker, retireWorker } from "../../db/workers.ts";
import { type Api, createApi, type Json } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

async function list(): Promise<Json[]> {
  const { status, body } = await api.call("GET", "/workers");
  expect(status).toBe(200);
  return body.workers;
}

function beat(executorId: string, temporalAwaySince: Date | null = null): Promise<string> {
  const id = randomUUID();
  const queues = { sluice: { slots: 4, used: 0 }, "sluice-data": { slots: 4, used: 3 } };
  return beatWorker(api.db, { id, executorId, version: "1.2.3", contract: 3, queues, temporalAwaySince }).then(
    () => id,
  );
}

describe("GET /workers", () => {
  it("lists live workers first, with queues, slots and since when one cannot reach Temporal", async () => {
    expect(await list()).toEqual([]);
    const silent = await beat("host:1");
    await sql`update workers set seen_at = now() - interval '36 seconds' where id = ${silent}`.execute(api.db);
    const away = new Date("2026-01-02T03:04:05.678Z");
    const live = await beat("host:2", away);
    const [first, second, ...more] = await list();
    expect(first).toEqual({
      executorId: "host:2",
      id: live,
      live: true,
      queues: { sluice: { slots: 4, used: 0 }, "sluice-data": { slots: 4, used: 3 } },
      seenAt: expect.stringMatching(/Z$/),
      startedAt: expect.stringMatching(/Z$/),
      temporalAwaySince: away.toISOString(),
      version: "1.2.3",
    });
    expect(second).toMatchObject({ id: silent, live: false, temporalAwaySince: null });
    expect(more).toEqual([]);
  });

  it("a worker that was stopped is not live, though it was seen a moment ago", async () => {
    const stopped = await beat("host:3");
    await retireWorker(api.db, stopped);
    expect((await list()).find(({ id }) => id === stopped)).toMatchObject({ live: false, queues: {} });
  });
});
