import { describe, expect, test } from "vitest";
import type { SchemaPolicies } from "../../core/entity-rules.ts";
import type { ComparedTable } from "../../destinations/compare/comparison.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import { claimRequest, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

const id = { name: "id", type: "integer", nullable: false };
const amount = { name: "amount", type: "integer", nullable: true };
const start = { columns: [id, amount], cursorField: null };
const textAmount = { ...amount, type: "text" };
const extra = { name: "extra", type: "text", nullable: true };

async function openLoaded(rows: (string | null)[][]): Promise<Warehouse> {
  const warehouse = await openWarehouse();
  const request = prepareRequest(start);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: ["id", "amount"] });
  return warehouse;
}

describe("a table whose schema policy discards", () => {
  const evolve: SchemaPolicies = { tables: "evolve", columns: "evolve", types: "evolve" };
  const describeTable = async (
    columns: (typeof id)[],
    policy: Partial<SchemaPolicies>,
    reloads: boolean,
  ): Promise<ComparedTable> => {
    const { url } = await openLoaded([["1", "1"]]);
    const request = prepareRequest({ ...start, columns, schemaPolicy: { ...evolve, ...policy } });
    return createPostgresDestination({ url }).describeCompared({ ...request, reloads });
  };

  test("is compared without the columns that it does not take, and repaired without them", async () => {
    const { columns, target } = await describeTable([id, amount, extra], { columns: "discard_value" }, true);
    expect(columns.map(({ name }) => name)).toEqual(["id", "amount"]);
    expect(target.columns.map(({ name }) => name)).toEqual(["id", "amount"]);
  });

  test("is compared without the columns whose values may be discarded, and not repaired: it would take them", async () => {
    const { columns } = await describeTable([id, textAmount], { types: "discard_value" }, false);
    expect(columns.map(({ name }) => name)).toEqual(["id"]);
    const repairing = describeTable([id, textAmount], { types: "discard_value" }, true);
    await expect(repairing).rejects.toMatchObject({ reasonCode: "config_invalid" });
    await expect(repairing).rejects.toThrow(/cannot be compared and repaired .* amount\./);
  });

  test.each([
    { what: "with a new column", columns: [id, amount, extra], policy: { columns: "discard_row" } as const },
    { what: "that do not fit", columns: [id, textAmount], policy: { types: "discard_row" } as const },
    { what: "whose key does not fit", columns: [{ ...id, type: "text" }], policy: { types: "discard_value" } as const },
  ])("is not compared where it discards rows $what: each would be missed", async ({ columns, policy }) => {
    await expect(describeTable(columns, policy, false)).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });
});

describe("a window that is loaded again", () => {
  const reload = async (warehouse: Warehouse, maxDeleteShare: number | null) => {
    const destination = createPostgresDestination({ url: warehouse.url });
    const request = prepareRequest(start);
    const { target, columns } = await destination.describeCompared({ ...request, reloads: true });
    const comparer = await destination.claimComparison({
      ...claimRequest(target, request),
      target: { ...target, comparison: { columns, hash: "native", settled: null } },
      guards: { zeroRows: false, maxDeleteShare },
    });
    async function* seen() {
      yield rowsBatch(
        [
          ["1", "1"],
          ["2", "0"],
        ],
        { columns: ["id", "amount"], final: true },
      );
    }
    return comparer.reload(seen()).finally(() => comparer.close());
  };
  const shown = (warehouse: Warehouse) => warehouse.query("select id, amount from shop.orders order by id");

  test("keeps all that it has when more would go than guards.maxDeleteShare, and gives it up when that is lifted", async () => {
    const rows = Array.from({ length: 10 }, (_, n) => [String(n + 1), String(n + 1)]);
    const warehouse = await openLoaded(rows);
    const stopped = reload(warehouse, 0.7);
    await expect(stopped).rejects.toMatchObject({ reasonCode: "delete_guard_tripped" });
    await expect(stopped).rejects.toThrow(/8 of the 10 in one window/);
    expect(await shown(warehouse)).toHaveLength(10);
    expect(await reload(warehouse, 0.8)).toMatchObject({ rowsWritten: 9 });
    expect(await shown(warehouse)).toEqual([
      { id: 1, amount: 1 },
      { id: 2, amount: 0 },
    ]);
  });
});
