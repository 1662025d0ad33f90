import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PlanRequest } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Nothing keeps `id` unique: neither in the table, nor in the view, nor in one whose key's type is an extension's. */
const RELATIONS = ["claimed", "seen", "labelled"];

describe("a key that the source does not keep unique", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource(`
      create schema extensions;
      create extension ltree schema extensions;
      create table claimed (id int, part text, at timestamptz);
      create index on claimed (at);
      create view seen as select * from claimed;
      create view labelled as select ('a.' || id)::extensions.ltree as id, part, at from claimed`);
  });
  afterAll(() => source.close());
  beforeEach(() =>
    source.sql(
      "truncate claimed; insert into claimed values (1, 'a', '2026-01-01'), (2, 'a', '2026-02-01'), (null, 'a', '2026-01-01')",
    ),
  );

  const plan = (table: string, changes: Partial<PlanRequest> = {}) =>
    source.plan({
      entityKey: `public.${table}`,
      keyColumns: ["id"],
      claimedKey: true,
      cursorField: "at",
      scan: "incremental",
      cursorState: "2026-02-01 00:00:00+00",
      ...changes,
    });
  const refused = {
    name: "TerminalError",
    reasonCode: "primary_key_missing",
    message: expect.stringContaining("(id) is no key of public."),
    fix: expect.stringMatching(/tell all rows apart/),
  };

  it.each(RELATIONS)("%s: a later row with the key of an earlier one is no later state of it", async (table) => {
    expect((await plan(table)).slices).toHaveLength(1);
    await source.sql("insert into claimed values (1, 'b', '2026-03-01')");
    await expect(plan(table)).rejects.toMatchObject(refused);
    const part = await plan(table, { keyColumns: ["id", "part"] });
    expect(await source.readAll(part)).toHaveLength(2);
  });

  it.each(RELATIONS)("%s: nor are rows of two windows", async (table) => {
    await source.sql("insert into claimed values (3, 'a', '2026-03-01'), (3, 'b', '2026-04-01')");
    for (const changes of [
      { windows: true, windowSize: "P1D" },
      { between: { from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z" } },
    ])
      await expect(plan(table, changes)).rejects.toMatchObject(refused);
  });

  it("a row that moves on, rows without a key, and what is not going to be read are in nobody's way", async () => {
    await source.sql(`update claimed set at = '2026-03-01' where id = 1;
      insert into claimed values (null, 'b', '2026-03-01'), (9, 'a', '2026-01-01'), (9, 'b', '2026-01-01')`);
    expect((await plan("claimed")).slices).toHaveLength(1);
  });

  it("a source that keeps the key is not asked", async () => {
    await source.sql("insert into claimed values (1, 'b', '2026-03-01')");
    expect((await plan("claimed", { claimedKey: false })).slices).toHaveLength(1);
  });
});
