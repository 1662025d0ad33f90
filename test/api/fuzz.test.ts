import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, type Json, postgresConnection } from "./harness.ts";

/** What people, clients and attackers send instead of what is asked for. */
const NASTY: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 31,
  2 ** 53,
  "",
  " ",
  "0",
  "-",
  "null",
  "'; drop table syncs; --",
  "\ud83d\ude9a",
  "\u202e\ufeff",
  "x".repeat(300),
  "a\u0000b",
  "\ud800",
  "%",
  "../..",
  "1970-01-01T00:00:00Z",
  "00000000-0000-0000-0000-000000000000",
  [],
  [null],
  [[]],
  ["a", "a"],
  {},
  { a: 1 },
  { constructor: 1, toString: 1, __proto__: null },
  { $ref: "#" },
];

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

/** Numbers from 0 to below `n`, the same at every start. */
function createDice(seed: number) {
  let state = seed;
  return (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Every place in `value` that could hold something else. */
function placesIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesIn(item, [...path, key]))];
}

function withValueAt(value: unknown, [key, ...rest]: (string | number)[], put: unknown): unknown {
  if (key === undefined) return put;
  const copy: Json = Array.isArray(value) ? [...value] : { ...(value as Json) };
  copy[key] = withValueAt(copy[key], rest, put);
  return copy;
}

const SYNC = {
  destinationConfig: { provider: "postgres", schema: "raw" },
  entities: ["public.orders", "public.customers"],
  executionBackend: "native",
  executionConfig: { maxConcurrency: 4, windowSize: "P1D", failFast: false, overlapPolicy: "skip" },
  executionMode: "fan_out_window",
  freshnessSlaSeconds: 60,
  name: "Orders",
  schedule: { cron: "0 * * * *", timezone: "UTC", startAt: "2026-01-01T00:00:00Z" },
  sourceConfig: {},
  status: "draft",
  tableBindings: [{ entityKey: "public.orders", loadMode: "upsert", primaryKeyColumns: ["id"], cursorField: "at" }],
  triggerMode: "manual",
};

describe("whatever is sent", () => {
  it("is answered as the document says, and never with a 5xx", async () => {
    const dice = createDice(20_261_124);
    const connectionId = await api.createConnection();
    const { id: syncId } = await api.createSync({ connectionId });
    const { body: run } = await api.call("POST", `/syncs/${syncId}/trigger`);
    const targets: [method: string, path: string, body: Json][] = [
      ["POST", "/syncs", { connectionId, ...SYNC }],
      ["PATCH", `/syncs/${syncId}`, SYNC],
      ["POST", `/syncs/${syncId}/trigger`, { runMode: "incremental" }],
      ["POST", `/syncs/runs/${run.id}/retry`, { runMode: "full_refresh" }],
      ["POST", `/syncs/runs/${run.id}/cancel`, { reason: "enough" }],
      ["POST", "/connections", postgresConnection()],
      ["PATCH", `/connections/${connectionId}`, postgresConnection()],
    ];
    const counts = new Map<number, number>();
    for (const [method, path, valid] of targets) {
      for (const place of placesIn(valid)) {
        for (let turn = 0; turn < 6; turn++) {
          const put = NASTY[dice(NASTY.length)];
          const { status, body } = await api.call(method, path, withValueAt(valid, place, put));
          const what = `${method} ${path} ${place.join(".")} = ${JSON.stringify(put)}: ${JSON.stringify(body)}`;
          expect(status, what).toBeLessThan(500);
          counts.set(status, (counts.get(status) ?? 0) + 1);
        }
      }
    }
    expect(counts.get(422)).toBeGreaterThan(200);
    for (const status of counts.keys()) expect([200, 201, 404, 409, 422]).toContain(status);
  });

  it("in the query is answered as the document says, and never with a 5xx", async () => {
    const { id } = await api.createSync();
    for (const path of ["/syncs", "/connections", `/syncs/${id}/runs`]) {
      for (const name of ["q", "status", "provider", "limit", "offset", "unknown"]) {
        for (const value of NASTY) {
          const text = typeof value === "string" ? value.toWellFormed() : JSON.stringify(value);
          const { status } = await api.call("GET", `${path}?${name}=${encodeURIComponent(text)}&${name}`);
          expect([200, 422], `${path} ${name}=${text}`).toContain(status);
        }
      }
    }
  });
});
