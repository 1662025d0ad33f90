import { expect, test } from "vitest";
import type { LoadMode } from "../../core/vocabulary.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { claim, finish, openWarehouse, prepareRequest, rowsBatch } from "./warehouse.ts";

/** Postgres leaves a row out, and says nothing, where a trigger before it answers NULL. */
const refused = {
  name: "TerminalError",
  reasonCode: "destination_constraint_violation",
  message: expect.stringMatching(/did not take 1 rows.*\(sieve\)/),
};

async function loadTwice(loadMode: LoadMode, trigger: string) {
  const warehouse = await openWarehouse();
  const load = async (rows: (string | null)[][]) => {
    const request = prepareRequest({ loadMode });
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request);
    await writer.write(rowsBatch(rows, { final: true }));
    await writer.close();
    if (hasFinish(target)) await finish(warehouse, target, request);
  };
  await load([["1", "a", "2026-01-01"]]);
  await warehouse.query(
    `create function public.sieve() returns trigger language plpgsql as $$ begin ${trigger} return new; end $$`,
  );
  await warehouse.query(
    "create trigger sieve before insert or update on shop.orders for each row execute function public.sieve()",
  );
  return load;
}

test.each<[LoadMode, string, string[]]>([
  ["upsert", "a row that is new", ["2", "hidden", "2026-01-02"]],
  ["upsert", "a row that changes", ["1", "hidden", "2026-01-02"]],
  ["append_event", "a row that is new", ["2", "hidden", "2026-01-02"]],
  ["scd2", "a row that is new", ["2", "hidden", "2026-01-02"]],
])("%s: %s that a trigger withholds is not passed over in silence", async (loadMode, _, row) => {
  const load = await loadTwice(loadMode, "if new.note = 'hidden' then return null; end if;");
  await expect(load([row, ["3", "c", "2026-01-02"]])).rejects.toMatchObject(refused);
});

test.each<LoadMode>(["upsert", "append_event", "scd2"])(
  "%s: a trigger that only changes rows is let be",
  async (loadMode) => {
    const load = await loadTwice(loadMode, "new.note := upper(new.note);");
    await load([
      ["1", "b", "2026-01-02"],
      ["3", "c", "2026-01-02"],
    ]);
    await load([
      ["1", "b", "2026-01-02"],
      ["3", "c", "2026-01-02"],
    ]);
  },
);
