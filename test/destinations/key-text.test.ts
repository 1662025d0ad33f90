import { expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

/** Two texts of one value. */
const KEYS: [type: string, before: string, after: string][] = [
  ["numeric", "1.0", "1.00"],
  ["double precision", "0", "-0"],
  ["interval", "1 day", "24:00:00"],
  ["jsonb", '{"a": 1.0}', '{"a": 1.00}'],
  ["numeric[]", "{1.0,2}", "{1.00,2}"],
];

const LOAD_MODES = ["upsert", "upsert_soft_delete", "delete_insert", "scd2"] as const;

/** One run of a table that has a key and perhaps a note. */
async function run(
  warehouse: Warehouse,
  { loadMode, type, complete }: { loadMode: PrepareRequest["loadMode"]; type: string; complete: boolean },
  rows: string[][],
): Promise<void> {
  const names = ["id", "part", "note"].slice(0, rows[0]?.length);
  const request = prepareRequest({
    ...{ loadMode, complete, cursorField: null, table: `orders_${names.length}`, entityKey: `orders_${names.length}` },
    columns: names.map((name) => ({ name, type: name === "id" ? type : "text", nullable: name === "note" })),
    keyColumns: ["id", "part"],
  });
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: names });
  if (hasFinish(target)) await finish(warehouse, target, request);
}

test.each(KEYS.flatMap((key) => LOAD_MODES.map((loadMode) => [loadMode, ...key] as const)))(
  "%s: a row whose %s key goes from %s to %s has the new text, once",
  async (loadMode, type, before, after) => {
    const warehouse = await openWarehouse();
    for (const rest of [["p"], ["p", "same note"]]) {
      const mode = { loadMode, type, complete: loadMode === "upsert_soft_delete" };
      await run(warehouse, mode, [[before, ...rest]]);
      await run(warehouse, mode, [[after, ...rest]]);
      const current = { scd2: "where _is_current", upsert_soft_delete: "where _deleted_at is null" };
      const shown = await warehouse.query(
        `select id::text from shop.orders_${rest.length + 1} ${loadMode in current ? current[loadMode as keyof typeof current] : ""}`,
      );
      expect(shown).toEqual(await warehouse.query(`select ('${after}'::${type})::text as id`));
    }
  },
);

test("a key that is read again with the same text is not written again", async () => {
  const warehouse = await openWarehouse();
  const mode = { loadMode: "upsert", type: "numeric", complete: false } as const;
  const image = () =>
    warehouse.query("select id::text, xmin::text, ctid::text, _sluice_synced_at::text from shop.orders_3");
  await run(warehouse, mode, [["1.00", "p", "note"]]);
  const before = await image();
  await run(warehouse, mode, [["1.00", "p", "note"]]);
  expect(await image()).toEqual(before);
});
