import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isOfEntity } from "../../../core/errors.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Nobody listens there. */
const CLOSED_PORT = 1;

const SCHEMA = `
  create table good (id int primary key);
  insert into good values (1), (2);
  create table teams (id int primary key, owner text);
  alter table teams enable row level security;
  create policy own on teams using (exists (select from teams t where t.owner = current_user));
  create materialized view unpopulated as select 1 as n with no data;
  create foreign data wrapper without_handler;
  create server handless foreign data wrapper without_handler;
  create foreign table foreign_handless (id int) server handless;
  create extension postgres_fdw;
  create server away foreign data wrapper postgres_fdw options (host '127.0.0.1', port '${CLOSED_PORT}', dbname 'x');
  create user mapping for public server away options (user 'x', password 'x');
  create foreign table foreign_away (id int) server away;
  create table lost (id int);
  create function counts_lost() returns bigint language sql as 'select count(*) from lost';
  create view sql_function as select counts_lost() as n;
  create function sums_lost() returns bigint language plpgsql as 'begin return (select sum(id) from lost); end';
  create view plpgsql_function as select sums_lost() as n;
  create function mends(n int) returns int language plpgsql as 'begin return n + no_such_function(n); end';
  create view unresolved as select mends(id) as n from good;
  drop table lost;
  create view divides as select id / (id - id) as n from good;
  create table locked (id int primary key)`;

describe("relations that exist and cannot be read", () => {
  let source: PostgresSource;
  beforeAll(async () => {
    source = await createPostgresSource(SCHEMA);
    const owner = `${source.config.user}_owner`;
    await source.sql(`
      create role ${owner};
      create table base (id int);
      create view owned as select id from base;
      alter view owned owner to ${owner}`);
  });
  afterAll(async () => {
    await source.sql(`drop view owned; drop role ${source.config.user}_owner`);
    await source.close();
  });

  const discover = async (entityKeys: string[] | null) => {
    const found = await source.use((opened) => opened.discover(entityKeys));
    return new Map(found.map((entity) => [entity.entityKey.replace("public.", ""), entity]));
  };
  const keys = (...names: string[]) => names.map((name) => `public.${name}`);

  it("are told one by one when they are asked for, and nothing is said against the others", async () => {
    const found = await discover(
      keys("good", "teams", "unpopulated", "foreign_handless", "sql_function", "owned", "divides"),
    );
    const failures = [...found].map(([name, { failure }]) => [
      name,
      failure?.reasonCode ?? null,
      failure?.message ?? "",
    ]);
    expect(failures).toEqual([
      ["divides", null, ""],
      ["foreign_handless", "source_object_invalid", expect.stringContaining("Give the foreign-data wrapper a handler")],
      ["good", null, ""],
      [
        "owned",
        "source_permission_denied",
        expect.stringMatching(/table base .*Grant its owner \S+_owner the privilege/),
      ],
      ["sql_function", "source_object_invalid", expect.stringMatching(/"lost" does not exist.* Correct the object/)],
      ["teams", "source_object_invalid", expect.stringContaining("infinite recursion")],
      [
        "unpopulated",
        "source_object_invalid",
        expect.stringContaining('refresh materialized view "public"."unpopulated"'),
      ],
    ]);
    expect(found.get("good")?.columns).toHaveLength(1);
  });

  it("keep nothing from being listed", async () => {
    const found = await discover(null);
    expect([...found.keys()]).toEqual(expect.arrayContaining(["good", "teams", "unpopulated", "owned", "locked"]));
    expect(found.get("unpopulated")?.description).toBe("Materialized view. It has never been populated.");
  });

  it.each([
    ["teams", "source_object_invalid", "infinite recursion"],
    ["unpopulated", "source_object_invalid", "refresh materialized view"],
    ["foreign_handless", "source_object_invalid", "handler"],
    ["foreign_away", "source_unavailable", "Check the foreign server"],
    ["sql_function", "source_object_invalid", "Correct the object at the source"],
    ["plpgsql_function", "source_object_invalid", "Correct the object at the source"],
    ["unresolved", "source_object_invalid", "no_such_function"],
    ["divides", "source_object_invalid", "division by zero"],
  ])("%s fails as what it is when it is planned or read: %s", async (name, reasonCode, said) => {
    const read = async () => source.readAll(await source.plan({ entityKey: `public.${name}` }));
    const error = await read().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ reasonCode, message: expect.stringContaining(said) });
    expect(isOfEntity(error)).toBe(true);
  });

  it("a table that somebody has locked is discovered without an estimate, and its plan fails alone", async () => {
    const holder = new pg.Client(source.url);
    await holder.connect();
    try {
      await holder.query("begin; lock table locked");
      const found = await discover(keys("good", "locked"));
      expect(found.get("locked")).toMatchObject({ estimatedRows: null });
      expect(found.get("locked")?.failure).toBeUndefined();
      expect(found.get("good")?.estimatedRows).not.toBeNull();
      const error = await source.plan({ entityKey: "public.locked" }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reasonCode: "source_timeout", message: expect.stringContaining("pg_locks") });
      expect(isOfEntity(error)).toBe(true);
    } finally {
      await holder.end();
    }
  });
});
