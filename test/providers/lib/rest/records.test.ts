import { describe, expect, it } from "vitest";
import { resourceSchema } from "../../../../providers/http_api/config/resource.ts";
import { type JsonObject, type JsonValue, parseJson } from "../../../../providers/lib/http/json.ts";
import { type FieldType, fitCell } from "../../../../providers/lib/rest/field-types.ts";
import { columnsOf, type RecordShape, shapeRecords } from "../../../../providers/lib/rest/record-shape.ts";
import { recordsIn } from "../../../../providers/lib/rest/records.ts";
import { toRows } from "../../../../providers/lib/rest/rows.ts";

const resource = (more: object = {}) => resourceSchema.parse({ name: "orders", path: "orders", ...more });
const parsed = (...texts: string[]): JsonObject[] => texts.map((text) => parseJson(text) as JsonObject);
const typesOf = (shape: RecordShape) => Object.fromEntries(columnsOf(shape, []).map(({ name, type }) => [name, type]));

describe("values of declared fields", () => {
  it.each<[FieldType, JsonValue, string | null]>([
    ["bigint", 5, "5"],
    ["bigint", "5", "5"],
    ["bigint", parseJson("9223372036854775807"), "9223372036854775807"],
    ["bigint", parseJson("9223372036854775808"), null],
    ["bigint", 5.5, null],
    ["bigint", parseJson("1e2"), "100"],
    ["bigint", parseJson("1.0"), "1"],
    ["bigint", "00012", "12"],
    ["bigint", parseJson("12.5e-1"), null],
    ["integer", parseJson("2147483647.00"), "2147483647"],
    ["bigint", true, null],
    ["integer", 2147483648, null],
    ["numeric", parseJson("12345678901234567890.123456789"), "12345678901234567890.123456789"],
    ["numeric", "-1.50", "-1.50"],
    ["numeric", parseJson("1e400"), "1e400"],
    ["numeric", parseJson("1e999999"), null],
    ["numeric", parseJson("1.10"), "1.10"],
    ["text", parseJson("1.10"), "1.10"],
    ["jsonb", parseJson("[1.10,1e2]"), "[1.10,1e2]"],
    ["numeric(20,6)", parseJson("12345678901234.123456"), "12345678901234.123456"],
    ["numeric(20,6)", parseJson("0.1234567"), null],
    ["numeric(20,6)", parseJson("0.1234560000"), "0.1234560000"],
    ["numeric(20,6)", "123456789012345", null],
    ["numeric(20,6)", parseJson("1e13"), "1e13"],
    ["numeric(5,0)", parseJson("0.00"), "0.00"],
    ["character varying(3)", "🛒🛒🛒", "🛒🛒🛒"],
    ["character varying(3)", "four", null],
    ["timestamp(3) with time zone", "2026-01-01T10:00:00.123000Z", "2026-01-01T10:00:00.123000Z"],
    ["timestamp(3) with time zone", "2026-01-01T10:00:00.1234Z", null],
    ["timestamp with time zone", "2026-01-01T10:00:00.1234567Z", null],
    ["numeric", "NaN", null],
    ["numeric", "", null],
    ["double precision", 0.1, "0.1"],
    ["double precision", parseJson("-0"), "-0"],
    ["bigint", parseJson("-0.0"), "0"],
    ["double precision", parseJson("1e400"), null],
    ["boolean", false, "false"],
    ["boolean", "yes", null],
    ["text", 5, "5"],
    ["text", { a: 1 }, null],
    ["date", "2026-02-28", "2026-02-28"],
    ["date", "2026-02-30", null],
    ["date", "2026-01-01T00:00:00Z", null],
    ["timestamp with time zone", "2026-01-01T10:00:00.123456+02:00", "2026-01-01T10:00:00.123456+02:00"],
    ["timestamp with time zone", "2026-01-01T10:00:00+15:59", "2026-01-01T10:00:00+15:59"],
    // Postgres takes no offset of 16 hours or more, and would refuse the whole batch.
    ["timestamp with time zone", "2026-01-01T10:00:00+16:00", null],
    ["timestamp with time zone", "2026-01-01T10:00:00-05:60", null],
    ["timestamp with time zone", "2026-01-01T10:00:00", null],
    ["timestamp with time zone", "0000-01-01T10:00:00Z", null],
    ["timestamp without time zone", "2026-01-01 10:00", "2026-01-01 10:00"],
    ["timestamp with time zone", `2026-01-01T10:00:00.${"0".repeat(1_000_000)}1Z`, null],
    ["uuid", "6f1d8a3e-0000-4000-8000-000000000000", "6f1d8a3e-0000-4000-8000-000000000000"],
    ["uuid", "6f1d", null],
    ["jsonb", "a", '"a"'],
    ["jsonb", parseJson('{"n":12345678901234567890.10}'), '{"n":12345678901234567890.10}'],
  ])("%s takes %j as %j", (type, value, cell) => {
    expect(fitCell(value, type)).toBe(cell);
  });
});

describe("columns by a sample", () => {
  it("have a type that holds every value as it is", () => {
    const sample = parsed(
      '{"id":1,"big":9223372036854775808,"amount":1,"ok":true,"at":"2026-01-01T00:00:00Z","seen":"2026-01-01","tags":[],"mixed":1,"zip":"00123","none":null}',
      '{"id":2,"big":1,"amount":1.5,"ok":null,"at":"2026-01-01T00:00:00+02:00","seen":"x","tags":{},"mixed":"1","zip":"1"}',
    );
    expect(typesOf(shapeRecords(resource(), sample, null))).toEqual({
      id: "bigint",
      big: "numeric",
      amount: "numeric",
      ok: "boolean",
      at: "timestamp with time zone",
      seen: "text",
      tags: "jsonb",
      mixed: "jsonb",
      zip: "text",
      _unmapped: "jsonb",
    });
  });

  it("may be called like what every object of JavaScript has", () => {
    const shape = shapeRecords(resource(), parsed('{"constructor":1,"toString":"a","__proto__":true}'), null);
    expect(typesOf(shape)).toEqual({ constructor: "bigint", to_string: "text", proto: "boolean", _unmapped: "jsonb" });
  });

  it("are no more than a table can have, run after run; the others are kept together", () => {
    const wide = (from: number) =>
      Object.fromEntries([["id", 1], ...Array.from({ length: 2000 }, (_, i) => [`f${from + i}`, i])]) as JsonObject;
    const first = shapeRecords(resource({ primaryKey: ["id"] }), [wide(0)], null);
    const second = shapeRecords(resource({ primaryKey: ["id"] }), [wide(2000)], first);
    expect(second).toEqual(first);
    expect(first.fields).toHaveLength(500);
    const { rows } = toRows([wide(0)], first, ["id"]);
    expect(Object.keys(JSON.parse(rows[0]?.at(-1) ?? ""))).toHaveLength(1501);
  });

  it("of times finer than Postgres keeps stay text", () => {
    const sample = parsed('{"made":"2026-01-01T00:00:00.123456789Z","changed":"2026-01-01T00:00:00.123456789Z"}');
    const shape = shapeRecords(resource({ incremental: { cursorField: "changed" } }), sample, null);
    expect(typesOf(shape)).toMatchObject({
      made: "text",
      changed: "text",
      changed_instant: "timestamp with time zone",
    });
  });

  it("give way to what is declared; inner fields and keys have columns too", () => {
    const sample = parsed('{"id":"7","owner":{"id":3,"name":"x"},"made":"2026"}');
    const declared = resource({ fields: { id: "bigint", "owner.name": "text" }, primaryKey: ["owner.id"] });
    const shape = shapeRecords(declared, sample, null);
    expect(typesOf(shape)).toEqual({
      id: "bigint",
      owner_name: "text",
      owner: "jsonb",
      made: "text",
      owner_id: "bigint",
      _unmapped: "jsonb",
    });
    expect(toRows(sample, shape, ["owner_id"]).rows).toEqual([["7", "x", '{"id":3,"name":"x"}', "2026", "3", null]]);
  });

  it("are those that are declared where nothing else is to be kept", () => {
    const fields = { id: "bigint" };
    const sample = parsed('{"id":1,"more":2}');
    const kept = shapeRecords(resource({ fields, additionalFields: "keep" }), sample, null);
    expect(toRows(sample, kept, ["id"]).rows).toEqual([["1", '{"more":2}']]);
    const ignored = shapeRecords(resource({ fields, additionalFields: "ignore" }), sample, null);
    expect(toRows(sample, ignored, ["id"]).rows).toEqual([["1"]]);
  });

  it("stay as an earlier plan had them, but for whole numbers that have fractions now", () => {
    const first = shapeRecords(resource(), parsed('{"a":1,"b":2,"userId":3,"gone":4}'), null);
    const later = shapeRecords(resource(), parsed('{"user_id":9,"userId":3,"a":"x","b":2.5,"new":true}'), first);
    expect(typesOf(later)).toMatchObject({ a: "bigint", b: "numeric", gone: "bigint", new: "boolean" });
    const columnOf = new Map(later.fields.map(({ path, column }) => [path, column]));
    expect(columnOf.get("userId")).toBe("user_id");
    expect(columnOf.get("user_id")).toMatch(/^user_id_[0-9a-f]{8}$/);
  });

  it("have names that Postgres takes, each its own", () => {
    const shape = shapeRecords(
      resource(),
      parsed('{"ctid":1,"Größe":1,"_unmapped":1,"a b":1,"a-b":2,"__proto__":3}'),
      null,
    );
    const names = columnsOf(shape, []).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["ctid_", "größe", "unmapped", "a_b", "proto", "_unmapped"]));
  });

  it("of an empty source are key and cursor", () => {
    const declared = resource({ primaryKey: ["id"], incremental: { cursorField: "changed", format: "epoch_s" } });
    expect(typesOf(shapeRecords(declared, [], null))).toEqual({ id: "text", changed: "bigint", _unmapped: "jsonb" });
  });
});

describe("rows", () => {
  const shape = shapeRecords(
    resource({ primaryKey: ["id"], fields: { price: "numeric" } }),
    parsed('{"id":1,"note":"x"}'),
    null,
  );
  const rowsOf = (...texts: string[]) => toRows(parsed(...texts), shape, ["id"]);

  it("keep what fits no column, and what has none, in _unmapped, digit for digit", () => {
    const { rows, rejects } = rowsOf(
      '{"id":1,"note":{"a":1},"price":"2.50","other":12345678901234567890,"__proto__":5}',
    );
    expect(rejects).toEqual([]);
    expect(rows).toEqual([["2.50", "1", null, '{"note":{"a":1},"other":12345678901234567890,"__proto__":5}']]);
  });

  it("whose key would become another one are rejected: text is a number only where it is written as one", () => {
    const declared = resource({ primaryKey: ["id"] });
    const shape = shapeRecords(declared, parsed('{"id":7}'), null);
    const sent = parsed('{"id":"8"}', '{"id":"-9"}', '{"id":"007"}', '{"id":"1e3"}', '{"id":"7.0"}', '{"id":"-0"}');
    const { rows, rejects } = toRows(sent, shape, ["id"]);
    expect(rows.map(([id]) => id)).toEqual(["8", "-9"]);
    expect(rejects.map(({ reason }) => reason)).toEqual(
      Array(4).fill("The value does not fit bigint without being changed."),
    );
    const told = shapeRecords({ ...declared, fields: { id: "bigint" } }, [], null);
    expect(toRows(parsed('{"id":"007"}'), told, ["id"]).rows.map(([id]) => id)).toEqual(["7"]);
  });

  it.each([
    ["a declared type that the value does not have", '{"id":1,"price":"cheap"}', "price", /no numeric/],
    ["a key that the value does not fit", '{"id":[1]}', "id", /no bigint/],
    ["an empty key", '{"note":"x"}', "id", /key is empty/],
    ["NUL in a text", '{"id":1,"note":"a\\u0000b"}', "note", /NUL/],
    ["half a surrogate pair", '{"id":1,"note":"a\\ud800"}', "note", /surrogate/],
    ["a number that jsonb cannot hold", '{"id":1,"more":[{"x":1e999999,"y":"1e99999"}]}', "_unmapped", /more digits/],
    ["NUL deep inside", '{"id":1,"more":[{"x":"\\u0000"}]}', "_unmapped", /NUL/],
  ])("are rejected for %s, without the value in the reason", (_, text, column, reason) => {
    const { rows, rejects } = rowsOf(text);
    expect(rows).toEqual([]);
    expect(rejects).toEqual([{ column, reason: expect.stringMatching(reason), record: expect.any(String) }]);
    expect(parseJson(rejects[0]?.record ?? "")).toEqual(parseJson(text));
    expect(rejects[0]?.record).not.toContain("\0");
  });

  it("that are nested too deeply are rejected alone, with what is on their surface", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const reason = "The record is nested too deeply.";
    const { rows, rejects } = rowsOf('{"id":1}', `{"id":12345678901234567890,"more":${deep}}`, '{"id":2}');
    expect(rows.map(([, id]) => id)).toEqual(["1", "2"]);
    expect(rejects).toMatchObject([{ column: "id", record: '{"id":12345678901234567890,"more":"…"}' }]);
    expect(rowsOf(`{"id":1,"more":${deep}}`).rejects).toEqual([
      { column: null, reason, record: '{"id":1,"more":"…"}' },
    ]);
    expect(toRows([parseJson(`[1,${deep}]`)], shape, ["id"]).rejects).toMatchObject([{ record: '[1,"…"]' }]);
    expect(typesOf(shapeRecords(resource(), parsed(`{"more":${deep}}`), null))).toMatchObject({ more: "jsonb" });
  });

  it("an escaped backslash before u0000 is text like any other", () => {
    expect(rowsOf('{"id":1,"more":"\\\\u0000"}').rejects).toEqual([]);
  });

  it("are made of objects only", () => {
    expect(toRows([null, [1]], shape, []).rejects.map(({ column, reason }) => [column, reason])).toEqual([
      [null, "The record is no JSON object."],
      [null, "The record is no JSON object."],
    ]);
  });
});

describe("records of an answer", () => {
  it.each<[JsonValue, object, JsonValue[]]>([
    [[{ a: 1 }], {}, [{ a: 1 }]],
    [{ items: [{ a: 1 }], total: 1 }, {}, [{ a: 1 }]],
    [{ data: { edges: [{ node: { a: 1 } }] } }, { recordSelector: "data.edges[*].node" }, [{ a: 1 }]],
    [{ list: null }, { recordSelector: "list" }, []],
    [{ one: { a: 1 } }, { recordSelector: "one" }, [{ a: 1 }]],
    [{ a: 1 }, { recordSelector: "$" }, [{ a: 1 }]],
    [["x", 5], {}, [{ value: "x" }, { value: 5 }]],
    [[parseJson("1.10")], {}, [{ value: parseJson("1.10") }]],
    [{}, { recordSelector: "list", missingRecords: "empty" }, []],
  ])("%j with %j", (body, more, records) => {
    expect(recordsIn(body, { provider: "http_api", ...resource(more) })).toEqual(records);
  });

  it.each([
    [{ error: "x" }, {}],
    ["text", {}],
    [{ other: [] }, { recordSelector: "list" }],
  ])("%j has none with %j, which is not the same as an empty page", (body, more) => {
    expect(() => recordsIn(body, { provider: "http_api", ...resource(more) })).toThrow(
      /has no records .* recordSelector/,
    );
  });
});
