import { describe, expect, it } from "vitest";
import { resourceSchema } from "../../../../providers/http_api/config/resource.ts";
import { type JsonObject, parseJson } from "../../../../providers/lib/http/json.ts";
import {
  columnsOf,
  namesIn,
  type RecordShape,
  recordShapeSchema,
  shapeRecords,
} from "../../../../providers/lib/rest/record-shape.ts";
import { toRows } from "../../../../providers/lib/rest/rows.ts";

const resource = (more: object = {}) => resourceSchema.parse({ name: "orders", path: "orders", ...more });
const parsed = (...texts: string[]): JsonObject[] => texts.map((text) => parseJson(text) as JsonObject);
const namesOf = (shape: RecordShape) => Object.fromEntries(shape.fields.map(({ path, column }) => [path, column]));
const typesOf = (shape: RecordShape) => Object.fromEntries(columnsOf(shape, []).map(({ name, type }) => [name, type]));

/** Each record as an object of its columns that are not NULL. */
function load(shape: RecordShape, records: JsonObject[], keyColumns: string[] = []) {
  const names = columnsOf(shape, []).map(({ name }) => name);
  const { rows, rejects } = toRows(records, shape, keyColumns);
  const cells = rows.map((row) =>
    Object.fromEntries(row.map((cell, i) => [names[i], cell]).filter(([, cell]) => cell)),
  );
  return { rows: cells, rejects };
}

describe("names of columns", () => {
  it("do not depend on the order of members, and the path that is called so gets the plain name", () => {
    const [first, second] = ['{"id":"lower","ID":"upper","Id":1}', '{"Id":1,"ID":"upper","id":"lower"}'].map((text) =>
      namesOf(shapeRecords(resource(), parsed(text), null)),
    );
    expect(second).toEqual(first);
    expect(first).toEqual({ id: "id", ID: expect.stringMatching(/^id_[0-9a-f]{8}$/), Id: expect.any(String) });
  });

  it("stay for ever: over a refresh that infers anew, over samples without the path, and whoever comes later", () => {
    const first = shapeRecords(resource(), parsed('{"ID":"upper"}'), null);
    expect(namesOf(first)).toEqual({ ID: "id" });
    const names = namesIn(first);
    const without = shapeRecords(resource(), parsed('{"id":"lower"}'), null, names);
    expect(namesOf(without)).toEqual({ id: expect.stringMatching(/^id_[0-9a-f]{8}$/) });
    const both = shapeRecords(
      resource(),
      parsed('{"id":"lower","ID":"upper"}'),
      null,
      new Map([...names, ...namesIn(without)]),
    );
    expect(namesOf(both)).toEqual({ ID: "id", ...namesOf(without) });
  });

  it("keep letters of every alphabet, and names that are nothing but signs stay apart", () => {
    const shape = shapeRecords(resource(), parsed('{"Цена":1,"цена":2,"订单":3,"größe":4,"🛒":5,"🎁":6,"":7}'), null);
    const names = namesOf(shape);
    expect(names).toMatchObject({ цена: "цена", 订单: "订单", größe: "größe", "": "unnamed" });
    expect(new Set(Object.values(names)).size).toBe(7);
    const long = shapeRecords(resource(), parsed(`{"${"ж".repeat(40)}a":1,"${"ж".repeat(40)}b":2}`), null);
    const cut = Object.values(namesOf(long));
    expect(new Set(cut).size).toBe(2);
    for (const name of cut) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  });

  it("of an earlier version's plan stay, and its fields are read as they were", () => {
    const stored = {
      fields: [
        { path: "$", column: "unnamed", type: "text", inferred: true, required: false },
        { path: "größe", column: "gro_e", type: "bigint", inferred: true, required: false },
        { path: "owner.id", column: "owner_id", type: "bigint", inferred: true, required: true },
      ],
      unmapped: true,
    };
    const known = recordShapeSchema.parse(stored);
    const records = parsed('{"$":"a","größe":1,"owner":{"id":2}}', '{"größe":1,"owner":{"id":3}}');
    expect(load(known, records).rows).toEqual([
      { unnamed: "a", gro_e: "1", owner_id: "2" },
      { gro_e: "1", owner_id: "3" },
    ]);
    const next = shapeRecords(resource({ primaryKey: ["owner.id"] }), records, known);
    expect(namesOf(next)).toMatchObject({ $: "unnamed", größe: "gro_e", "owner.id": "owner_id" });
  });
});

describe("a member of a record", () => {
  it.each([
    ['{"$":"a"}', '{"b":1}'],
    ['{"$.b":"a"}', '{"b":1}'],
    ['{"a.b":1}', '{"a":{"b":2}}'],
    ['{"x[*]":1}', '{"x":[7,8]}'],
    ['{"a[*].b":1}', '{"a":[{"b":7}]}'],
    ['{"__proto__":1}', '{"b":1}'],
    ['{"constructor":1}', '{"b":1}'],
    ['{"":1}', '{"b":1}'],
  ])("%s gives the next record, %s, nothing that it does not have", (one, other) => {
    const [first, second] = parsed(one, other);
    if (!first || !second) throw new Error("no records");
    const shape = shapeRecords(resource(), [first], null);
    const [field] = shape.fields;
    expect(load(shape, [first, second]).rows).toEqual([
      { [field?.column ?? ""]: String(Object.values(first)[0]) },
      { _unmapped: JSON.stringify(second) },
    ]);
  });

  it("that a path shares its name with comes before what the path leads to, and nothing is lost of either", () => {
    const declared = resource({ fields: { "a.b": "bigint", $: "jsonb" }, additionalFields: "keep" });
    const records = parsed('{"a.b":1,"a":{"b":2}}', '{"a":{"b":2,"c":3}}');
    expect(load(shapeRecords(declared, [], null), records).rows).toEqual([
      { a_b: "1", unnamed: '{"a.b":1,"a":{"b":2}}' },
      { a_b: "2", unnamed: '{"a":{"b":2,"c":3}}' },
    ]);
  });

  it("is in _unmapped as far as it has no column: what is declared within it is not there twice", () => {
    const declared = resource({ fields: { "owner.id": "bigint", "list.x": "bigint" }, additionalFields: "keep" });
    const shape = shapeRecords(declared, [], null);
    const records = parsed(
      '{"owner":{"id":1,"name":"n","none":{}}}',
      '{"owner":{"id":1},"empty":{}}',
      '{"owner":7,"list":[{"x":1}]}',
    );
    expect(load(shape, records).rows).toEqual([
      { owner_id: "1", _unmapped: '{"owner":{"name":"n","none":{}}}' },
      { owner_id: "1", _unmapped: '{"empty":{}}' },
      { _unmapped: '{"owner":7,"list":[{"x":1}]}' },
    ]);
  });
});

describe("numbers", () => {
  it("arrive digit for digit in every kind of column", () => {
    const records = parsed('{"n":1.10,"whole":7.0,"small":1e2,"list":[1.50,{"x":2.0}]}', '{"n":100,"rest":0.10}');
    const shape = shapeRecords(resource({ fields: { n: "text" } }), records.slice(0, 1), null);
    expect(typesOf(shape)).toMatchObject({ whole: "numeric", small: "bigint", list: "jsonb" });
    expect(load(shape, records).rows).toEqual([
      { n: "1.10", whole: "7.0", small: "100", list: '[1.50,{"x":2.0}]' },
      { n: "100", _unmapped: '{"rest":0.10}' },
    ]);
  });

  it("that a standing column of whole numbers holds do not change its type", () => {
    const known = shapeRecords(resource(), parsed('{"id":1}'), null);
    expect(typesOf(shapeRecords(resource(), parsed('{"id":2.0}'), known))).toMatchObject({ id: "bigint" });
    expect(typesOf(shapeRecords(resource(), parsed('{"id":2.5}'), known))).toMatchObject({ id: "numeric" });
  });

  it("that a declared type would round are rejected with the reason", () => {
    const shape = shapeRecords(resource({ fields: { price: "numeric(6, 2)" } }), [], null);
    expect(typesOf(shape)).toMatchObject({ price: "numeric(6,2)" });
    const { rows, rejects } = load(shape, parsed('{"price":1.250}', '{"price":1.255}', '{"price":"x"}'));
    expect(rows).toEqual([{ price: "1.250" }]);
    expect(rejects.map(({ reason }) => reason)).toEqual([
      "The value does not fit numeric(6,2) without being changed.",
      "The value is no numeric(6,2).",
    ]);
  });
});

describe("a cursor", () => {
  const withCursor = (incremental: object, more: object = {}) =>
    resource({ primaryKey: ["id"], incremental: { cursorField: "at", ...incremental }, ...more });
  const at = (value: unknown) => parsed(`{"id":1,"at":${JSON.stringify(value)}}`);
  const instantsOf = (declared: ReturnType<typeof resource>, ...values: unknown[]) => {
    const shape = shapeRecords(declared, values.flatMap(at), null);
    const { rows, rejects } = load(shape, values.flatMap(at));
    return { column: shape.cursor?.column, rows, reasons: rejects.map(({ reason }) => reason) };
  };

  it.each<[string, object, unknown[], string[]]>([
    ["a pattern", { format: "%d/%m/%Y" }, ["31/12/2025", "02/01/2026"], ["2025-12-31T00:00:00", "2026-01-02T00:00:00"]],
    ["a 12-hour clock", { format: "%m/%d/%Y %I:%M %p" }, ["9/30/2025 11:59 PM"], ["2025-09-30T23:59:00"]],
    ["RFC 2822", { format: "rfc2822" }, ["Sat, 31 Jan 2026 23:59:58 +0100"], ["2026-01-31T22:59:58"]],
    [
      "offsets that differ, and none",
      {},
      ["2026-01-31T23:00:00+05:00", "2026-01-31T20:00:00", " 2026-01-31 10:00:00"],
      ["2026-01-31T18:00:00", "2026-01-31T20:00:00", "2026-01-31T10:00:00"],
    ],
    ["dates", { format: "date" }, ["2026-01-31"], ["2026-01-31T00:00:00"]],
    ["an epoch as spaced text", { format: "epoch_s" }, [" 1769903998"], ["2026-01-31T23:59:58"]],
    [
      "another format than the API is asked in",
      { format: "date", cursorFormat: "%d.%m.%y" },
      ["1.2.26"],
      ["2026-02-01T00:00:00"],
    ],
  ])("of %s has a column of instants beside it, and its text stays as it was", (_, incremental, values, instants) => {
    expect(instantsOf(withCursor(incremental), ...values)).toEqual({
      column: "at_instant",
      rows: values.map((value, i) => ({ id: "1", at: value, at_instant: `${instants[i]}.000000Z` })),
      reasons: [],
    });
  });

  it.each<[string, object, unknown[], string]>([
    ["instants with a zone", {}, ["2026-01-31T23:59:58.123456Z"], "timestamp with time zone"],
    ["an epoch", { format: "epoch_s" }, [-5, "1769903998"], "bigint"],
    ["an epoch with fractions", { format: "epoch_s" }, [1769903998.5, "7"], "numeric"],
    ["an epoch that is no time any more", { format: "epoch_ms" }, [2 ** 53], "bigint"],
  ])("of %s orders by its own column", (_, incremental, values, type) => {
    const { column, rows, reasons } = instantsOf(withCursor(incremental), ...values);
    const shape = shapeRecords(withCursor(incremental), values.flatMap(at), null);
    expect([column, typesOf(shape).at]).toEqual(["at", type]);
    expect(rows.map(({ at: cell }) => cell)).toEqual(values.map(String));
    expect(reasons).toEqual([]);
  });

  it.each(["text", "date", "jsonb"])("that is declared as %s has a column of instants beside it", (type) => {
    expect(instantsOf(withCursor({}, { fields: { at: type } }), "2026-01-31")).toMatchObject({
      column: "at_instant",
      rows: [{ at_instant: "2026-01-31T00:00:00.000000Z" }],
    });
  });

  it("that cannot be read rejects its record with the reason; one that is not there does not", () => {
    const shape = shapeRecords(withCursor({ format: "%d/%m/%Y" }), at("31/12/2025"), null);
    const { rows, rejects } = load(shape, [...at("12/31/2025"), ...at(null), ...parsed('{"id":2}')]);
    expect(rows).toEqual([{ id: "1" }, { id: "2" }]);
    expect(rejects.map(({ reason }) => reason)).toEqual(["The cursor is no time in the format %d/%m/%Y."]);
  });

  it("keeps what its column of instants does not hold in _unmapped, and its meaning in the column", () => {
    const shape = shapeRecords(withCursor({}), at("2026-01-31T23:59:58Z"), null);
    expect(load(shape, [...at("2026-01-31T20:00:00"), ...at("2026-01-31T23:59:58.1234567Z")]).rows).toEqual([
      { id: "1", at: "2026-01-31T20:00:00.000000Z", _unmapped: '{"at":"2026-01-31T20:00:00"}' },
      { id: "1", at: "2026-01-31T23:59:58.123456Z", _unmapped: '{"at":"2026-01-31T23:59:58.1234567Z"}' },
    ]);
  });

  it("of a standing table of text gets its column of instants, under a name that nothing else has", () => {
    const known = recordShapeSchema.parse({
      fields: [
        { path: "at", column: "at", type: "text", inferred: true, required: true },
        { path: "at_instant", column: "at_instant", type: "text", inferred: true, required: false },
      ],
      unmapped: true,
    });
    const shape = shapeRecords(withCursor({ format: "%d/%m/%Y" }), at("31/12/2025"), known);
    expect(shape.cursor).toEqual({ path: "at", column: expect.stringMatching(/^at_instant_/), format: "%d/%m/%Y" });
    expect(namesOf(shape)).toMatchObject({ at: "at", at_instant: "at_instant" });
  });
});
