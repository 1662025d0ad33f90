import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, itemsOf, type Json, postgresConnection } from "./harness.ts";

/** Bodies that are large in every way that one of 1 MiB can be. None of them may make more of an answer than 1,000 items. */

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const members = (count: number, make: (index: number) => [string, unknown]): Json =>
  Object.fromEntries(many(count, make));
const keys = many(5000, (i) => `t${i}`);
const http = (headers: Json): Json => ({
  ...{ name: "api", provider: "http_api" },
  config: { baseUrl: "https://api.example.com", headers, resources: [{ name: "a", path: "/a" }] },
});

describe("a body that is large", () => {
  it.each<[name: string, path: string, body: Json]>([
    ["29,000 headers", "/connections", http(members(29_000, (i) => [`h${i}`, "v"]))],
    ["29,000 headers that cannot be", "/connections", http(members(29_000, (i) => [`h ${i}`, 1]))],
    ["5,900 headers that cannot be", "/connections", http(members(5_900, (i) => [`h ${i}`, 1]))],
    ["5,900 fields that nobody knows", "/syncs", members(5_900, (i) => [`f${i}`, 1])],
    [
      "5,900 secrets that nobody knows",
      "/connections",
      {
        ...postgresConnection(),
        secrets: members(5_900, (i) => [`s${i}`, "v"]),
      },
    ],
    ["NUL in each of 50,000 texts", "/syncs", { x: many(10, () => many(5_000, () => "\0")) }],
    [
      "55,000 numbers without end",
      "/syncs",
      JSON.parse(`{"x":[${many(10, () => `[${many(5_000, () => "1e999")}]`)}]}`),
    ],
  ])("is refused with at most 1,000 items: %s", async (_name, path, body) => {
    const answer = await api.call("POST", path, body);
    expect(answer.status).toBe(422);
    expect(answer.body.detail.length).toBeGreaterThan(0);
    expect(answer.body.detail.length).toBeLessThanOrEqual(1000);
  });

  it("is told where a list or an object is too long for everybody", async () => {
    const answer = await api.call("POST", "/connections", http(members(6_001, (i) => [`h${i}`, "v"])));
    expect(itemsOf(answer)).toEqual(['["body","config","headers"] too_long']);
  });

  it.each<[name: string, bindings: Json[]]>([
    ["of other entities", keys.map((key) => ({ entityKey: `x${key}` }))],
    ["that are one", keys.map(() => ({ entityKey: "t0" }))],
    ["of which nothing is right", keys.map(() => ({ entityKey: 1, tableName: "", loadMode: "x", cursorField: 3 }))],
    ["into one table", keys.map((entityKey) => ({ entityKey, tableName: "same" }))],
    ["without a key", keys.map((entityKey) => ({ entityKey, loadMode: "upsert", primaryKeyColumns: [] }))],
  ])("of 5,000 bindings %s is refused, each with its place", async (_name, tableBindings) => {
    const connectionId = await api.createConnection();
    const answer = await api.call("POST", "/syncs", { name: "Large", connectionId, entities: keys, tableBindings });
    expect(answer.status).toBe(422);
    expect(answer.body.detail).toHaveLength(1000);
    for (const { loc } of answer.body.detail) expect(loc.slice(0, 2)).toEqual(["body", "tableBindings"]);
  });

  it("of 5,000 entities and bindings is taken, and so are rules, choices and states of each", async () => {
    const connectionId = await api.createConnection();
    const rules = Object.fromEntries(keys.map((key) => [key, { maxRejectedRows: 1 }]));
    const tableBindings = keys.map((entityKey) => ({ entityKey }));
    const given = { connectionId, entities: keys, tableBindings, destinationConfig: { entities: rules } };
    const sync = await api.createSync(given);
    expect(sync.tableBindings).toHaveLength(5000);
    const states = { entities: Object.fromEntries(keys.map((key) => [key, { cursor: "1" }])) };
    expect((await api.call("PATCH", `/syncs/${sync.id}/state`, states)).status).toBe(200);
    const strange = { entities: Object.fromEntries(keys.map((key) => [`x${key}`, { cursor: "1" }])) };
    expect((await api.call("PATCH", `/syncs/${sync.id}/state`, strange)).body.detail).toHaveLength(1000);
    const trigger = await api.call("POST", `/syncs/${sync.id}/trigger`, { entities: keys.map((key) => `x${key}`) });
    expect(trigger.body.detail).toHaveLength(1000);
  });
});
