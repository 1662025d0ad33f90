import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { noteUnproved } from "../../db/unproved-runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

const FAILURE = { reasonCode: "destination_unavailable", message: "away" } as const;

it("how long a run could not be proved is counted from the first failure, and anew after a break in which nobody tried", async () => {
  const { id } = await begin(db, (await admit(db, await insertSync(db))).id);
  const age = (key: string, minutes: number) =>
    sql`update runs set summary = jsonb_set(summary, array['proof', ${key}], to_jsonb(now() - make_interval(mins => ${minutes}))) where id = ${id}`.execute(
      db,
    );
  expect(await noteUnproved(db, id, FAILURE)).toBeLessThan(5);
  await age("failingSince", 20);
  expect(await noteUnproved(db, id, FAILURE)).toBeGreaterThan(1_190);
  await age("lastTriedAt", 4);
  expect(await noteUnproved(db, id, FAILURE)).toBeGreaterThan(1_190);
  await age("lastTriedAt", 6);
  expect(await noteUnproved(db, id, FAILURE)).toBeLessThan(5);
});

it("of a run that is not there, or has ended, nothing is noted", async () => {
  expect(await noteUnproved(db, randomUUID(), FAILURE)).toBe(0);
});
