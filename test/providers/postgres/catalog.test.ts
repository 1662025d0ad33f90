import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EntitySchema } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

const SCHEMA = `
  create extension citext;
  create schema "Sales Dept.";
  create schema hidden;
  create type mood as enum ('sad', 'ok', 'happy');
  create type address as (street text, zip text);
  create domain price as numeric(12, 4) check (value >= 0);
  create domain net_price as price;
  create table customers (id int primary key, email citext unique, name varchar(40) not null);
  comment on table customers is 'Who buys.';
  create table "Sales Dept."."Größe ""X"" 日本" (
    "Id" uuid primary key,
    "select" text,
    "with ""quote""" int,
    "with space" boolean,
    dropped text,
    "Ünï" text
  );
  alter table "Sales Dept."."Größe ""X"" 日本" drop column dropped;
  create table kinds (
    a smallint, b int, c bigint, d real, e double precision, f numeric, g numeric(10, 2), h boolean, i text, j varchar(7),
    k char(5), l bytea, m date, n time, o timetz, p timestamp(3), q timestamptz, r interval, s uuid, t json, u jsonb,
    v inet, w cidr, x macaddr, y bit(4), z bit varying(9), aa point, ab tsvector, ac int4range, ad tstzrange,
    ae datemultirange, af int[], ag numeric(10, 2)[], ah mood, ai mood[], aj address, ak price, al net_price, am citext,
    an money, ao oid, ap name, aq xml, ar "char", au jsonpath, av regclass, aw price[]
  );
  create table lines (
    order_id int not null, line_no int not null, customer_id int references customers, parent_id int,
    quantity int not null, unit price not null, total numeric generated always as (quantity * unit) stored,
    created_at timestamptz not null default now(), credited_at timestamptz, updated_at timestamp not null default now(),
    last_modified timestamptz not null default now(),
    primary key (order_id, line_no)
  );
  create index on lines (last_modified);
  create table events (id bigint not null, at timestamptz not null, body jsonb) partition by range (at);
  create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
  create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
  alter table events add primary key (id, at);
  create table unkeyed (a int, b text);
  create table nullable_unique (a int unique, b int not null);
  create unique index on nullable_unique (b) where b > 0;
  create unique index on nullable_unique ((b + 1));
  create table unique_key (a int not null, b int not null, c int not null unique, unique (a, b));
  create view big_customers as select id, name from customers;
  create materialized view totals as select order_id, sum(quantity) as quantity from lines group by 1;
  create table secret_rows (id int primary key);
  alter table secret_rows enable row level security;
  create table hidden.vault (id int primary key);
  insert into customers select n, 'c' || n || '@example.com', 'Customer ' || n from generate_series(1, 500) n;
  analyze customers`;

describe("discovery of a Postgres source", () => {
  let source: PostgresSource;
  let found: Map<string, EntitySchema>;

  beforeAll(async () => {
    source = await createPostgresSource(SCHEMA);
    const entities = await source.use((opened) => opened.discover(null));
    found = new Map(entities.map((entity) => [entity.entityKey, entity]));
  });
  afterAll(() => source.close());

  const typesOf = (entityKey: string) =>
    Object.fromEntries(found.get(entityKey)?.columns.map(({ name, type }) => [name, type]) ?? []);

  it("finds tables, views and materialized views, and of a partitioned table the root alone", () => {
    expect([...found.keys()].sort()).toEqual(
      [
        '"Sales Dept."."Größe ""X"" 日本"',
        "hidden.vault",
        ...["big_customers", "customers", "events", "kinds", "lines", "nullable_unique", "secret_rows", "totals"].map(
          (name) => `public.${name}`,
        ),
        "public.unique_key",
        "public.unkeyed",
      ].sort(),
    );
  });

  it("gives the asked for entities alone, and leaves out what does not exist", async () => {
    const some = await source.use((opened) => opened.discover(["public.lines", "public.nothing", "public.customers"]));
    expect(some.map((entity) => entity.entityKey)).toEqual(["public.customers", "public.lines"]);
  });

  it("keeps to the connection's schemas, for planning too", async () => {
    const config = { schemas: ["Sales Dept."] };
    const entities = await source.use((opened) => opened.discover(null), { config });
    expect(entities.map((entity) => entity.entityKey)).toEqual(['"Sales Dept."."Größe ""X"" 日本"']);
    const outside = source.use((opened) => opened.discover(["public.customers"]), { config });
    expect(await outside).toEqual([]);
  });

  it("keeps every type that any Postgres has, and makes text of what only this one has", () => {
    expect(typesOf("public.kinds")).toEqual({
      a: "smallint",
      b: "integer",
      c: "bigint",
      d: "real",
      e: "double precision",
      f: "numeric",
      g: "numeric(10,2)",
      h: "boolean",
      i: "text",
      j: "character varying(7)",
      k: "character(5)",
      l: "bytea",
      m: "date",
      n: "time without time zone",
      o: "time with time zone",
      p: "timestamp(3) without time zone",
      q: "timestamp with time zone",
      r: "interval",
      s: "uuid",
      t: "json",
      u: "jsonb",
      v: "inet",
      w: "cidr",
      x: "macaddr",
      y: "bit(4)",
      z: "bit varying(9)",
      aa: "point",
      ab: "tsvector",
      ac: "int4range",
      ad: "tstzrange",
      ae: "datemultirange",
      af: "integer[]",
      ag: "numeric(10,2)[]",
      ah: "text",
      ai: "text[]",
      aj: "text",
      ak: "numeric(12,4)",
      al: "numeric(12,4)",
      am: "text",
      an: "numeric",
      ao: "bigint",
      ap: "text",
      aq: "text",
      ar: "text",
      au: "jsonpath",
      av: "text",
      aw: "numeric(12,4)[]",
    });
  });

  it("keeps the names of columns as they are, and forgets dropped ones", () => {
    expect(Object.keys(typesOf('"Sales Dept."."Größe ""X"" 日本"'))).toEqual([
      "Id",
      "select",
      'with "quote"',
      "with space",
      "Ünï",
    ]);
  });

  it("takes the primary key, else the shortest unique index without NULL or condition", () => {
    const keyOf = (entityKey: string) => found.get(entityKey)?.primaryKeyColumns;
    expect(keyOf("public.lines")).toEqual(["order_id", "line_no"]);
    expect(keyOf("public.events")).toEqual(["id", "at"]);
    expect(keyOf("public.unique_key")).toEqual(["c"]);
    expect(keyOf("public.nullable_unique")).toEqual([]);
    expect(keyOf("public.unkeyed")).toEqual([]);
    expect(keyOf("public.big_customers")).toEqual([]);
  });

  it("suggests upsert with a key and replace without one", () => {
    expect(found.get("public.lines")).toMatchObject({ loadMode: "upsert", slicing: { by: "key", column: "order_id" } });
    expect(found.get("public.unkeyed")).toMatchObject({ loadMode: "replace", slicing: { by: "none" } });
  });

  it("offers as cursor only what every change moves, the indexed one first", () => {
    expect(found.get("public.lines")?.cursorFields).toEqual(["last_modified", "updated_at"]);
    expect(found.get("public.events")?.cursorFields).toEqual([]);
  });

  it("knows parents, generated columns, nullability, size and comments", () => {
    expect(found.get("public.lines")?.dependsOn).toEqual(["public.customers"]);
    expect(typesOf("public.lines")).toMatchObject({ total: "numeric" });
    expect(found.get("public.customers")).toMatchObject({ estimatedRows: 500, sizeClass: "xs" });
    expect(found.get("public.customers")?.description).toBe("Table. Who buys.");
    expect(found.get("public.customers")?.columns.map(({ nullable }) => nullable)).toEqual([false, true, false]);
    expect(found.get("public.unkeyed")?.estimatedRows).toBeNull();
  });

  it("guesses the rows of a table that nobody analysed by its size, where it is asked for by name", async () => {
    const [unkeyed] = await source.use((opened) => opened.discover(["public.unkeyed"]));
    expect(unkeyed?.estimatedRows).toBeGreaterThan(0);
    const [view] = await source.use((opened) => opened.discover(["public.big_customers"]));
    expect(view?.estimatedRows).toBeNull();
  });

  it("warns where row security may hide rows", () => {
    expect(found.get("public.secret_rows")?.description).toContain("Row security is on");
  });

  it("does not offer what the user may not read, and says so when it is asked for", async () => {
    await source.sql(`revoke pg_read_all_data from ${source.config.user};
      grant usage on schema public to ${source.config.user};
      grant select on customers to ${source.config.user};
      grant select (order_id, line_no, quantity) on lines to ${source.config.user}`);
    try {
      const entities = await source.use((opened) => opened.discover(null));
      expect(entities.map((entity) => entity.entityKey)).toEqual(["public.customers", "public.lines"]);
      expect(entities[1]?.columns.map(({ name }) => name)).toEqual(["order_id", "line_no", "quantity"]);
      await expect(source.plan({ entityKey: "public.kinds" })).rejects.toMatchObject({
        name: "TerminalError",
        reasonCode: "source_permission_denied",
      });
      const [kinds] = await source.use((opened) => opened.discover(["public.kinds"]));
      expect(kinds?.failure).toMatchObject({
        reasonCode: "source_permission_denied",
        fix: "Grant the user `select` on public.kinds.",
      });
      const lines = await source.plan({ entityKey: "public.lines", keyColumns: ["order_id", "line_no"] });
      expect(await source.readAll(lines)).toEqual([]);
    } finally {
      await source.sql(`grant pg_read_all_data to ${source.config.user}`);
    }
  });
});

describe("the check of a Postgres connection", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource("create table t (id int primary key)");
  });
  afterAll(() => source.close());

  const check = (config: Record<string, unknown> = {}) => source.use((opened) => opened.check(), { config });

  it("says what it found when all is well", async () => {
    expect(await check()).toMatchObject([
      { name: "connect", ok: true, fix: "" },
      { name: "version", ok: true, fix: "" },
      { name: "open_transactions", ok: true, message: expect.stringContaining("lose no late commit") },
      { name: "read", ok: true, message: "1 tables and views can be read." },
    ]);
  });

  it("tells what follows when open transactions cannot be seen", async () => {
    await source.sql(`revoke pg_read_all_stats from ${source.config.user}`);
    const checks = await check();
    await source.sql(`grant pg_read_all_stats to ${source.config.user}`);
    expect(checks.find(({ name }) => name === "open_transactions")?.message).toMatch(
      /last 300 seconds.*grant pg_read_all_stats/s,
    );
  });

  it.each([
    ["a port where nobody listens", { port: 1 }, /ECONNREFUSED/],
    ["a host that does not exist", { host: "no-such-host.invalid" }, /no-such-host/],
    ["a database that does not exist", { database: "no_such_database" }, /no_such_database/],
    ["a server that does not encrypt", { sslMode: "require" }, /does not support SSL.*sslMode/s],
    ["a schema without tables", { schemas: ["nowhere"] }, /can read no table/],
  ])("reports %s instead of throwing", async (_, config, message) => {
    const failed = (await check(config)).filter(({ ok }) => !ok);
    expect(failed).toMatchObject([{ message: expect.stringMatching(/./), fix: expect.stringMatching(/./) }]);
    expect(`${failed[0]?.message} ${failed[0]?.fix}`).toMatch(message);
  });
});
