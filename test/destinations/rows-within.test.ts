import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { LoadableTables, PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { claim, finish, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const KEY = "public.orders";

interface Change {
  /** Id, and the id of the folder that it lies in. */
  rows?: [string, string | null][];
  deletes?: string[];
}

/** One run of a feed that tells deletions of folders and not what was in them. */
async function run(warehouse: Warehouse, changes: Change[], of: Partial<PrepareRequest> = {}) {
  const columns = ["id", "parent_id"].map((name) => ({ name, type: "text", nullable: name !== "id" }));
  const request = prepareRequest({ columns, cursorField: null, ...of });
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  const results = [];
  for (const [index, { rows = [], deletes = [] }] of changes.entries()) {
    const gone = { columns: ["id"], rows: deletes.map((id) => [id]), within: "parent_id" };
    const table = { columns: ["id", "parent_id"], rows, ...(deletes.length > 0 ? { deletes: gone } : {}) };
    const batch: LoadableTables = {
      ...{ kind: "tables", tables: { [KEY]: table }, checkpoint: { at: randomUUID() } },
      final: index === changes.length - 1,
    };
    results.push(await writer.write(batch));
  }
  await writer.close();
  if (hasFinish(target)) await finish(warehouse, target, request);
  return results;
}

const idsIn = async ({ query }: Warehouse, where = "true") =>
  (await query<{ id: string }>(`select id from shop.orders where ${where} order by id`)).map(({ id }) => id);

const TREE: Change = {
  rows: [
    ...([
      ["root", null],
      ["a", "root"],
      ["a/b", "a"],
      ["a/b/c", "a/b"],
      ["a/b/c/d", "a/b/c"],
    ] as [string, string | null][]),
    ...([
      ["a/moved", "a"],
      ["other", "root"],
      ["other/e", "other"],
    ] as [string, string | null][]),
  ],
};
/** `a` is deleted; something of it was moved before, and something new lies in what is left. */
const DELETED: Change = { rows: [["a/moved", "other"]], deletes: ["a"] };
const LEFT = ["a/moved", "other", "other/e", "root"];

describe("what lies in a row that is deleted", () => {
  test.each([
    ["upsert", "true"],
    ["upsert_soft_delete", "_deleted_at is null"],
    ["scd2", "_is_current"],
  ] as const)("goes with it, however deep, and what has moved away stays (%s)", async (loadMode, where) => {
    const warehouse = await openWarehouse();
    await run(warehouse, [TREE], { loadMode });
    const [result] = await run(warehouse, [DELETED], { loadMode });
    expect(await idsIn(warehouse, where)).toEqual(LEFT);
    expect(result).toMatchObject({ rowsDeleted: 4 });
  });

  test.each(["upsert", "scd2"] as const)("goes also in the run that has brought it (%s)", async (loadMode) => {
    const warehouse = await openWarehouse();
    await run(warehouse, [TREE, DELETED], { loadMode });
    expect(await idsIn(warehouse, loadMode === "scd2" ? "_is_current" : "true")).toEqual(LEFT);
  });

  test("comes back where the feed tells it later, whichever comes first", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, [TREE]);
    await run(warehouse, [{ deletes: ["a"] }, { rows: [["a/b", "other"]] }]);
    expect(await idsIn(warehouse)).toEqual(["a/b", "other", "other/e", "root"]);
  });

  test("stays in a table of events: it has what the source tells", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, [TREE], { loadMode: "append_event" });
    const [result] = await run(warehouse, [DELETED], { loadMode: "append_event" });
    expect(result).toMatchObject({ rowsDeleted: 1 });
  });

  test("ends with a folder in itself", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, [
      {
        rows: [
          ["x", "y"],
          ["y", "x"],
          ["z", null],
        ],
      },
    ]);
    await run(warehouse, [{ deletes: ["x"] }]);
    expect(await idsIn(warehouse)).toEqual(["z"]);
  });
});
