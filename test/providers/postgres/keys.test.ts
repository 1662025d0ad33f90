import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EntitySchema } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Tables of Postgres 18 whose declarations promise more, or less, than all rows keep. */
const SCHEMA = `
  create extension postgres_fdw;
  create server elsewhere foreign data wrapper postgres_fdw;
  create extension btree_gist;

  create table parent (id int primary key, note text);
  create table child () inherits (parent);
  create table grandchild () inherits (child);
  alter table child add primary key (id);
  insert into parent values (1, 'parent');
  insert into child values (1, 'child'), (2, 'child');
  insert into grandchild values (1, 'grandchild');
  create table childless (id int primary key);
  create table born () inherits (childless);
  drop table born;

  create table unproved (id int unique, note text);
  insert into unproved values (null, 'from before'), (1, 'one');
  alter table unproved add constraint present not null id not valid;
  create table validated (id int unique);
  alter table validated add constraint present not null id not valid;
  alter table validated validate constraint present;

  create table deferred (id int not null unique deferrable);
  create table invalid (id int not null);
  insert into invalid values (1), (1);
  create table nulls_equal (id int unique nulls not distinct);
  create table partial (id int not null, live boolean);
  create unique index on partial (id) where live;
  create table expression (id text not null);
  create unique index on expression (lower(id));
  create table excluded (id int not null, exclude using btree (id with =));
  create table temporal (id int, valid tstzrange, primary key (id, valid without overlaps));
  create foreign table foreigner (id int not null) server elsewhere;
  create table partly_foreign (id int not null, note text) partition by range (id);
  create table partly_foreign_low partition of partly_foreign for values from (0) to (10);
  create foreign table partly_foreign_high partition of partly_foreign for values from (10) to (20) server elsewhere;
  create index on partly_foreign_low (id);
  create view seen as select id from childless;
  create table wider (a int not null unique, b int not null, c int, unique (a, b))`;

describe("keys of a Postgres source", () => {
  let source: PostgresSource;
  let found: Map<string, EntitySchema>;

  beforeAll(async () => {
    source = await createPostgresSource(SCHEMA);
    await source
      .sql("create unique index concurrently invalid_id on invalid (id)")
      .catch((error: Error) => expect(error.message).toContain("could not create unique index"));
    const entities = await source.use((opened) => opened.discover(null));
    found = new Map(entities.map((entity) => [entity.entityKey, entity]));
  });
  afterAll(() => source.close());

  it.each([
    ["an inheritance parent", "parent"],
    ["a child that is a parent itself", "child"],
    ["a NOT NULL that old rows need not meet", "unproved"],
    ["a deferrable constraint", "deferred"],
    ["an index whose building failed", "invalid"],
    ["a nullable column of which NULL is unique too", "nulls_equal"],
    ["an index over some of the rows", "partial"],
    ["an index over an expression", "expression"],
    ["an exclusion constraint", "excluded"],
    ["a key without overlaps", "temporal"],
    ["a foreign table", "foreigner"],
    ["a view", "seen"],
  ])("%s gives no key, and suggests replace", (_, table) => {
    expect(found.get(`public.${table}`)).toMatchObject({
      ...{ primaryKeyColumns: [], enforcedKeys: [], loadMode: "replace", slicing: { by: "none" } },
    });
  });

  it.each([
    ["a table whose last child was dropped", "childless", ["id"]],
    ["a child without children", "grandchild", []],
    ["a NOT NULL that was validated", "validated", ["id"]],
  ])("%s has the key that it declares", (_, table, key) => {
    expect(found.get(`public.${table}`)?.primaryKeyColumns).toEqual(key);
    expect(found.get(`public.${table}`)?.keyless).toBeUndefined();
  });

  it("tells all keys that the source keeps, the shortest first", () => {
    expect(found.get("public.wider")?.enforcedKeys).toEqual([["a"], ["a", "b"]]);
  });

  it("says why no columns of an inheritance parent can be a key, and what a read of it returns", () => {
    expect(found.get("public.parent")?.keyless).toMatch(/other tables inherit from it/);
    expect(found.get("public.parent")?.description).toMatch(/together with the tables that inherit/);
  });

  it("calls a column nullable where no constraint keeps NULL out of all rows", () => {
    const nullable = (table: string) => found.get(`public.${table}`)?.columns[0]?.nullable;
    expect(["parent", "unproved", "foreigner", "partly_foreign"].map(nullable)).toEqual([true, true, true, true]);
    expect(["childless", "validated", "wider"].map(nullable)).toEqual([false, false, false]);
  });

  it("reads an inheritance parent whole, with the rows of all its descendants, even where columns are named as its key", async () => {
    for (const keyColumns of [[], ["id"]]) {
      const plan = await source.plan({ entityKey: "public.parent", keyColumns, windows: true, windowSize: "1" });
      expect(plan.slices).toHaveLength(1);
      expect(await source.readAll(plan, 1)).toEqual(["(1,child)", "(1,grandchild)", "(1,parent)", "(2,child)"]);
    }
  });

  it("counts the rows and the space of an inheritance parent's descendants", async () => {
    await source.sql(
      "insert into grandchild select n, 'x' from generate_series(3, 5000) n; analyze parent, child, grandchild",
    );
    const [parent] = await source.use((opened) => opened.discover(["public.parent"]));
    expect(parent?.estimatedRows).toBe(5002);
    const plan = await source.plan({ entityKey: "public.parent" });
    expect(plan.spec.estimatedRowBytes).toBeGreaterThan(30);
    await source.sql("delete from grandchild where id > 1");
  });

  it("reads a table that has a key of internal characters, which Postgres 18 cannot compare after an ANALYZE", async () => {
    await source.sql(`create table internal (kind "char", n int, primary key (kind, n));
      insert into internal select chr(65 + n % 3)::"char", n from generate_series(1, 300) n; analyze internal`);
    const plan = await source.plan({
      entityKey: "public.internal",
      keyColumns: ["kind", "n"],
      windows: true,
      windowSize: "10",
    });
    expect(await source.readAll(plan, 10)).toHaveLength(300);
  });

  it("reads rows whose NULL an unproved NOT NULL let stay", async () => {
    const plan = await source.plan({
      entityKey: "public.unproved",
      keyColumns: ["id"],
      windows: true,
      windowSize: "1",
    });
    expect(await source.readAll(plan, 1)).toEqual(['(,"from before")', "(1,one)"]);
  });
});
