import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Api, createApi, itemsOf, type Json } from "./harness.ts";

let api: Api;
let connectionId: string;
beforeAll(async () => {
  api = await createApi();
  connectionId = await api.createConnection();
});
afterAll(() => api.close());

const create = (body: Json): Promise<Answer> => api.call("POST", "/syncs", { connectionId, name: "Orders", ...body });
const send = (
  body: string | Uint8Array<ArrayBuffer>,
  contentType: string | null = "application/json",
): Promise<Answer> =>
  api.send("POST", "/api/v1/syncs", { body, headers: contentType === null ? {} : { "content-type": contentType } });

describe("a body as a whole", () => {
  it("is {} when it is empty, with or without a content type", async () => {
    const missing = ['["body","connectionId"] missing', '["body","name"] missing'];
    expect(itemsOf(await send(""))).toEqual(missing);
    expect(itemsOf(await send("", null))).toEqual(missing);
    expect(itemsOf(await api.send("POST", "/api/v1/syncs", {}))).toEqual(missing);
    expect(itemsOf(await send(" \n "))).toEqual(missing);
  });

  it("is refused with 422 when it is not JSON, not UTF-8, or called something else", async () => {
    expect(itemsOf(await send("{"))).toEqual(['["body"] json_invalid']);
    expect(itemsOf(await send("nonsense"))).toEqual(['["body"] json_invalid']);
    expect(itemsOf(await send(new Uint8Array([0x22, 0xff, 0x22])))).toEqual(['["body"] json_invalid']);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"]) {
      expect(itemsOf(await send("{}", type)), type).toEqual(['["header","content-type"] value_error']);
    }
  });

  it("is refused with 422 when it is compressed", async () => {
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await api.send("POST", "/api/v1/syncs", { body: new Uint8Array(gzipSync("{}")), headers });
    expect(itemsOf(answer)).toEqual(['["header","content-encoding"] value_error']);
  });

  it("may be any kind of JSON content type", async () => {
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]) {
      expect((await send(JSON.stringify({ connectionId, name: "Orders" }), type)).status, type).toBe(201);
    }
  });

  it("must be an object", async () => {
    for (const body of ["[]", "null", "1", '"text"', "true"]) {
      expect(itemsOf(await send(body)), body).toEqual(['["body"] dict_type']);
    }
  });

  it("is refused with 422 over 1 MiB, whether its length is announced or not", async () => {
    const large = JSON.stringify({ name: "x".repeat(1024 * 1024) });
    expect(itemsOf(await send(large))).toEqual(['["body"] value_error']);
  });

  it("is refused with 422 where Postgres could not keep it", async () => {
    const bad = ['["body","name"] value_error'];
    expect(itemsOf(await send('{"name":"a\\u0000b"}'))).toEqual(bad);
    expect(itemsOf(await send('{"name":"a\\ud800b"}'))).toEqual(bad);
    expect(itemsOf(await send('{"sourceConfig":{"a\\u0000":1}}'))).toEqual(['["body","sourceConfig","a"] value_error']);
    expect(itemsOf(await send('{"entities":["x","\\udc00"]}'))).toEqual(['["body","entities",1] value_error']);
  });

  it("is refused with 422 for a number that no double holds, instead of taking it for null", async () => {
    expect(itemsOf(await send('{"freshnessSlaSeconds":1e999}'))).toEqual([
      '["body","freshnessSlaSeconds"] finite_number',
    ]);
  });

  it("is refused with 422 when it is nested deeper than anybody means it", async () => {
    const nest = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    const deep = await send(`{"sourceConfig":${nest(40)}}`);
    expect(deep.body.detail).toEqual([
      { loc: expect.any(Array), msg: "Input should be nested at most 32 levels deep", type: "value_error" },
    ]);
    expect((await send(`${"[".repeat(500_000)}${"]".repeat(500_000)}`)).status).toBe(422);
  });

  it("is refused with 422 and at most 1,000 items, however much is wrong with it", async () => {
    const huge = await send(`[${Array(170_000).fill("1e999").join(",")}]`);
    expect([huge.status, huge.body.detail.length]).toEqual([422, 1000]);
    const names = Array.from({ length: 50_000 }, (_, i) => `"${i}":1`);
    const unknown = await send(`{${names.join(",")}}`);
    expect([unknown.status, unknown.body.detail.length]).toEqual([422, 1000]);
    const more = Array.from({ length: 70_000 }, (_, i) => `"${i}":1`);
    expect(itemsOf(await send(`{"sourceConfig":{${more.join(",")}}}`))).toEqual(['["body"] value_error']);
  });
});

describe("fields of a body", () => {
  it("are named one by one when they are unknown, the prototype's name included", async () => {
    const answer = await send(
      `{"connectionId":"${connectionId}","name":"x","colour":1,"__proto__":{},"executionConfig":{"speed":9}}`,
    );
    expect(itemsOf(answer)).toEqual([
      '["body","executionConfig","speed"] extra_forbidden',
      '["body","colour"] extra_forbidden',
      '["body","__proto__"] extra_forbidden',
    ]);
  });

  it.each<[string, Json, string]>([
    ["no text", { name: 7 }, '["body","name"] string_type'],
    ["null where none may be", { name: null }, '["body","name"] string_type'],
    ["empty text", { name: "" }, '["body","name"] string_too_short'],
    ["text too long", { name: "x".repeat(256) }, '["body","name"] string_too_long'],
    ["no UUID", { connectionId: "x" }, '["body","connectionId"] uuid_parsing'],
    ["a value outside the list", { executionMode: "sideways" }, '["body","executionMode"] enum'],
    ["another type than the list's", { status: 3 }, '["body","status"] enum'],
    ["no list", { entities: "orders" }, '["body","entities"] list_type'],
    ["an item of the wrong type", { entities: ["a", 1] }, '["body","entities",1] string_type'],
    ["an entity twice", { entities: ["a", "a"] }, '["body","entities",1] value_error'],
    ["no object", { executionConfig: [] }, '["body","executionConfig"] dict_type'],
    ["no integer", { freshnessSlaSeconds: 1.5 }, '["body","freshnessSlaSeconds"] int_type'],
    ["a number in quotes", { freshnessSlaSeconds: "60" }, '["body","freshnessSlaSeconds"] int_type'],
    ["less than the least", { freshnessSlaSeconds: 0 }, '["body","freshnessSlaSeconds"] greater_than_equal'],
    [
      "more than the most",
      { executionConfig: { maxConcurrency: 65 } },
      '["body","executionConfig","maxConcurrency"] less_than_equal',
    ],
    ["no boolean", { executionConfig: { failFast: "yes" } }, '["body","executionConfig","failFast"] bool_type'],
    ["no slug", { slug: "Acme Orders" }, '["body","slug"] string_pattern_mismatch'],
    ["a slug too long", { slug: "a".repeat(64) }, '["body","slug"] string_too_long'],
    [
      "no window",
      { executionConfig: { windowSize: "soon" } },
      '["body","executionConfig","windowSize"] string_pattern_mismatch',
    ],
    ["no schedule at all", { schedule: {} }, '["body","schedule"] value_error'],
    ["two schedules in one", { schedule: { cron: "0 * * * *", everySeconds: 60 } }, '["body","schedule"] value_error'],
    ["no cron", { schedule: { cron: "hourly" } }, '["body","schedule","cron"] value_error'],
    [
      "no time zone",
      { schedule: { cron: "0 * * * *", timezone: "Mars/Olympus" } },
      '["body","schedule","timezone"] value_error',
    ],
    [
      "an instant without offset",
      { schedule: { everySeconds: 60, startAt: "2026-01-01T00:00:00" } },
      '["body","schedule","startAt"] datetime_parsing',
    ],
    ["Sluice's own status", { status: "error" }, '["body","status"] value_error'],
    ["a binding without its entity", { tableBindings: [{}] }, '["body","tableBindings",0,"entityKey"] missing'],
    [
      "Sluice's own schema",
      { destinationConfig: { schema: "_sluice" } },
      '["body","destinationConfig","schema"] value_error',
    ],
    [
      "a table name of more than 63 bytes",
      { entities: ["a"], tableBindings: [{ entityKey: "a", tableName: "ü".repeat(40) }] },
      '["body","tableBindings",0,"tableName"] value_error',
    ],
    ["a backend that is not built", { executionBackend: "prefect" }, '["body","executionBackend"] not_available_yet'],
    ["a trigger that is not built", { triggerMode: "scheduled" }, '["body","triggerMode"] not_available_yet'],
  ])("%s is refused in pydantic's words", async (_, body, item) => {
    const answer = await create(body);
    expect(answer.status).toBe(422);
    expect(itemsOf(answer)).toEqual([item]);
  });

  it("under the prototype's name are refused where any name may stand, not passed over", async () => {
    const body = '{"name":"x","provider":"postgres","config":{"__proto__":{}},"secrets":{"__proto__":"s"}}';
    const headers = { "content-type": "application/json" };
    expect(itemsOf(await api.send("POST", "/api/v1/connections", { body, headers }))).toEqual([
      '["body","config","__proto__"] value_error',
      '["body","secrets","__proto__"] value_error',
    ]);
  });

  it("are measured in characters, not in UTF-16 units", async () => {
    expect((await create({ name: "🚚".repeat(255) })).status).toBe(201);
    expect((await create({ name: "🚚".repeat(256) })).status).toBe(422);
  });

  it("say what would be right", async () => {
    const { body } = await create({ executionMode: "sideways", executionBackend: "prefect" });
    expect(body.detail).toEqual([
      {
        loc: ["body", "executionBackend"],
        msg: "'prefect' is not available yet; available: native",
        type: "not_available_yet",
      },
      {
        loc: ["body", "executionMode"],
        msg: "Input should be 'sequential', 'fan_out_entity' or 'fan_out_window'",
        type: "enum",
      },
    ]);
  });

  it("refuse a run mode that nobody knows, on trigger and retry", async () => {
    const sync = await api.createSync();
    for (const path of [`/syncs/${sync.id}/trigger`, `/syncs/runs/${randomUUID()}/retry`]) {
      expect(itemsOf(await api.call("POST", path, { runMode: "sideways" }))).toEqual(['["body","runMode"] enum']);
    }
  });
});

describe("the query", () => {
  it.each([
    ["limit=0", '["query","limit"] greater_than_equal'],
    ["limit=101", '["query","limit"] less_than_equal'],
    ["limit=ten", '["query","limit"] int_parsing'],
    ["limit=1.5", '["query","limit"] int_parsing'],
    ["limit=", '["query","limit"] int_parsing'],
    ["offset=-1", '["query","offset"] greater_than_equal'],
    ["offset=9007199254740992", '["query","offset"] less_than_equal'],
    [`offset=${"9".repeat(400)}`, '["query","offset"] int_parsing'],
    ["status=gone", '["query","status",0] enum'],
    ["status=draft&status=gone", '["query","status",1] enum'],
    ["provider=", '["query","provider",0] enum'],
  ])("%s is refused", async (query, item) => {
    expect(itemsOf(await api.call("GET", `/syncs?${query}`))).toEqual([item]);
  });

  it("takes the last of a parameter that comes twice, and ignores parameters it does not know", async () => {
    const { status, body } = await api.call("GET", "/syncs?limit=1&limit=2&colour=red");
    expect([status, body.limit]).toEqual([200, 2]);
  });

  it("takes the largest offset that a number can hold", async () => {
    const { body } = await api.call("GET", "/syncs?offset=9007199254740991");
    expect(body).toMatchObject({ syncs: [], hasNext: false, offset: 9007199254740991 });
  });

  it("matches nothing with text that no name can hold", async () => {
    expect((await api.call("GET", "/syncs?q=%00")).body.syncs).toEqual([]);
    expect((await api.call("GET", "/connections?q=a%00b")).body.connections).toEqual([]);
  });
});

describe("the path", () => {
  it.each([
    ["GET", "/syncs/orders", '["path","sync_id"] uuid_parsing'],
    ["DELETE", "/syncs/1", '["path","sync_id"] uuid_parsing'],
    ["POST", "/syncs/%00/trigger", '["path","sync_id"] uuid_parsing'],
    ["GET", "/syncs/runs/1", '["path","run_id"] uuid_parsing'],
    ["GET", "/syncs/%E0%A4%A/runs", '["path","sync_id"] uuid_parsing'],
    ["GET", "/connections/1", '["path","connection_id"] uuid_parsing'],
    ["GET", "/syncs/providers/oracle/catalog", '["path","provider"] enum'],
  ])("%s %s is refused", async (method, path, item) => {
    expect(itemsOf(await api.call(method, path))).toEqual([item]);
  });

  it("takes a UUID of any version", async () => {
    for (const id of ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]) {
      expect((await api.call("GET", `/syncs/${id}`)).status).toBe(404);
      expect((await api.call("GET", `/syncs/runs/${id}`)).status).toBe(404);
    }
  });

  it("answers 404 where there is nothing, and 405 where another method would do", async () => {
    expect(await api.call("GET", "/nothing")).toMatchObject({ status: 404, body: { code: "not_found" } });
    const answer = await api.call("PUT", "/syncs");
    expect(answer).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
    expect(answer.headers.get("allow")).toBe("GET, HEAD, POST");
  });
});
