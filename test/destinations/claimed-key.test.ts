import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { LoadMode } from "../../core/vocabulary.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import { claim, claimRequest, copyBatch, finish, openWarehouse, prepareRequest } from "./warehouse.ts";

const twice = "1\tfirst\t2026-01-01\n1\tsecond\t2026-01-02\n2\tother\t2026-01-01\n";
const refused = {
  name: "TerminalError",
  reasonCode: "primary_key_missing",
  fix: expect.stringMatching(/tell all rows apart/),
};

/** One batch of COPY data is one statement at the source, hence one snapshot of it. */
async function loadBatch(text: string, loadMode: LoadMode, claimedKey: boolean) {
  const warehouse = await openWarehouse();
  const request = prepareRequest({ loadMode, claimedKey, complete: loadMode === "replace" });
  const target = await warehouse.destination.prepareEntity(request);
  const load = async () => {
    const writer = await claim(warehouse, target, request);
    const write = () => writer.write(copyBatch(Readable.from([Buffer.from(text)]), { final: true }));
    try {
      await write();
    } catch (error) {
      if ((error as Error).name !== "CopyConflictError") throw error;
      await write();
    }
    await writer.close();
    if (hasFinish(target)) await finish(warehouse, target, request);
  };
  const rows = () =>
    warehouse.query<{ row: string }>("select concat_ws(' ', id, note) as row from shop.orders order by 1");
  return { load, rows: async () => (await rows()).map(({ row }) => row) };
}

describe("a key that the source does not keep unique", () => {
  test.each<LoadMode>([
    "upsert",
    "upsert_soft_delete",
    "delete_insert",
    "replace",
    "scd2",
    "append_event",
    "append_snapshot",
  ])("%s refuses two rows of one batch that share it, and loads nothing of the batch", async (loadMode) => {
    const { load, rows } = await loadBatch(twice, loadMode, true);
    await expect(load()).rejects.toMatchObject(refused);
    expect(await rows()).toEqual([]);
  });

  test.each<LoadMode>(["upsert", "replace", "scd2"])("%s loads rows that it tells apart", async (loadMode) => {
    const { load, rows } = await loadBatch(twice.replace("1\tsecond", "3\tsecond"), loadMode, true);
    await load();
    expect(await rows()).toEqual(["1 first", "2 other", "3 second"]);
  });

  test("append_event keeps the first of two rows that share a key of the user's, as it is there for", async () => {
    const { load, rows } = await loadBatch(twice, "append_event", false);
    await load();
    expect(await rows()).toEqual(["1 first", "2 other"]);
  });

  test("a key that the source keeps is merged by the newest cursor", async () => {
    const { load, rows } = await loadBatch(twice, "upsert", false);
    await load();
    expect(await rows()).toEqual(["1 second", "2 other"]);
  });

  test("a repair refuses rows that share it, and says so instead of blaming whoever writes to the table", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest({ claimedKey: true, cursorField: null });
    await warehouse.destination.prepareEntity(request);
    const destination = createPostgresDestination({ url: warehouse.url });
    const { target, columns } = await destination.describeCompared({ ...request, reloads: true });
    const comparer = await destination.claimComparison({
      ...claimRequest(target, request),
      target: { ...target, comparison: { columns, hash: "native", settled: null } },
      guards: null,
    });
    const batches = async function* () {
      yield copyBatch(Readable.from([Buffer.from(twice)]), { final: true });
    };
    await expect(comparer.reload(batches())).rejects.toMatchObject(refused);
    await comparer.close();
    await destination.close();
  });
});
