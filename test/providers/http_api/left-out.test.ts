import { describe, expect, it } from "vitest";
import { cellsOf, openApi, rejectsOf } from "./open-api.ts";

const PEOPLE = [
  { id: 1, age: 36, email: "ada@example.com", address: { city: "Kiel", street: "Secret Road" }, note: "n1" },
  { id: 2, age: "old", email: "bob@example.com", address: { city: "Bonn", street: "Secret Road" }, SSN: "000-11-2222" },
];
const RESOURCE = {
  ...{ name: "people", path: "offset/people", primaryKey: ["id"], additionalFields: "keep" },
  fields: { id: "bigint", age: "bigint", email: "text", "address.street": "text", "address.city": "text" },
  paginator: { type: "offset", limit: 20, totalPath: "total" },
};

async function readChosen(choice: object, resource: object = RESOURCE) {
  const api = await openApi(
    { resources: [resource] },
    {
      sourceConfig: { resources: { people: choice } },
      prepare: (server) => void server.collections.set("people", PEOPLE),
    },
  );
  const [entity] = await api.source.discover(["people"]);
  const left = entity?.columns.map(({ name }) => name) ?? [];
  return { api, entity, all: left };
}

describe("fields of an API that a sync leaves out", () => {
  it("are neither in a column, nor in _unmapped, nor in what is kept of a rejected record", async () => {
    const { api, all } = await readChosen({ exclude: ["email", "address_street", "ssn", "note"] });
    const columns = all.filter((name) => !["email", "address_street"].includes(name));
    const batches = await api.read(await api.plan("people", { columns }));
    const stored = JSON.stringify(batches.map(({ rows, rejects }) => [rows, rejects]));
    expect(stored).not.toMatch(/example\.com|Secret Road|000-11|n1/);
    expect(cellsOf(batches, "address_city")).toEqual(["Kiel"]);
    expect(JSON.parse(rejectsOf(batches)[0]?.record ?? "")).toEqual({ id: 2, age: "old", address: { city: "Bonn" } });
  });

  it("are all others where only some are read", async () => {
    const { api } = await readChosen({ columns: ["id", "address_city"] });
    const batches = await api.read(await api.plan("people", { columns: ["id", "address_city"] }));
    expect(batches.map(({ columns, rows }) => [columns, rows])).toEqual([
      [
        ["id", "address_city"],
        [
          ["1", "Kiel"],
          ["2", "Bonn"],
        ],
      ],
    ]);
  });

  it("may be such as no sample shows, in a resource whose records may have any", async () => {
    expect((await readChosen({ exclude: ["ssn"] })).entity?.open).toBe(true);
    const closed = { ...RESOURCE, additionalFields: "ignore" };
    expect((await readChosen({ exclude: ["ssn"] }, closed)).entity?.open).toBe(false);
  });
});
