import { randomBytes } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const ANEW = { complete: true, fromScratch: true };
const WIDER = [
  { name: "id", type: "bigint", nullable: false },
  { name: "note", type: "text", nullable: true },
  { name: "updated_at", type: "timestamp with time zone", nullable: true },
];

/** The partition that the table shows. */
async function leafOf(warehouse: Warehouse): Promise<string> {
  const [found] = await warehouse.query<{ leaf: string }>(
    "select partdefid::regclass::text as leaf from pg_partitioned_table where partrelid = 'shop.orders'::regclass",
  );
  return found?.leaf ?? "";
}

async function loadRow(warehouse: Warehouse, overrides: Partial<PrepareRequest> = {}): Promise<void> {
  const request = prepareRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [["7", "a", "2026-01-01"]]);
  if (hasFinish(target)) await finish(warehouse, target, request);
}

/** Does `sql`, whose `;;` begins another transaction, with `$leaf` and `$role` filled in. @returns what fills them in, for queries */
async function give(warehouse: Warehouse, sql: string): Promise<(query: string) => Promise<string>> {
  const role = `reader_${randomBytes(6).toString("hex")}`;
  await warehouse.query(`create role ${role}`);
  onTestFinished(async () => {
    await warehouse.query(`drop owned by ${role} cascade`);
    await warehouse.query(`drop role ${role}`);
  });
  const fill = async (text: string) =>
    text
      .replaceAll("$leaf", await leafOf(warehouse))
      .replaceAll("$role", role)
      .replaceAll("$name", role);
  for (const statements of sql.split(";;")) await warehouse.query(await fill(statements));
  return fill;
}

const ofLeaf = (what: string) => `select ${what} as given from pg_class where oid = '$leaf'::regclass`;
const ofNote = (what: string) =>
  `select ${what} as given from pg_attribute where attrelid = '$leaf'::regclass and attname = 'note'`;

/** What is given to the partition, and a query that shows it. */
const CARRIED: [what: string, sql: string, shows: string][] = [
  [
    "storage parameters",
    "alter table $leaf set (fillfactor = 70, toast.autovacuum_enabled = off)",
    ofLeaf("concat(reloptions::text, (select reloptions::text from pg_class t where t.oid = pg_class.reltoastrelid))"),
  ],
  [
    "a tablespace",
    "set allow_in_place_tablespaces = on;; create tablespace $name location '';; alter table $leaf set tablespace $name",
    ofLeaf("(select spcname from pg_tablespace t where t.oid = reltablespace)"),
  ],
  ["a statistics target", "alter table $leaf alter note set statistics 77", ofNote("attstattarget")],
  [
    "a statistics target by the user's table",
    "alter table shop.orders alter note set statistics 77",
    ofNote("attstattarget"),
  ],
  ["options of a column", "alter table $leaf alter note set (n_distinct = 5)", ofNote("attoptions::text")],
  [
    "storage and compression of a column",
    "alter table $leaf alter note set storage external, alter note set compression pglz",
    ofNote("concat(attstorage, attcompression)"),
  ],
  ["a replica identity", "alter table $leaf replica identity full", ofLeaf("relreplident")],
  [
    "a replica identity by an index",
    "create unique index on shop.orders (id) include (note); alter table $leaf replica identity using index " +
      "$leafindex",
    ofLeaf("relreplident"),
  ],
  [
    "an order of its rows",
    "cluster $leaf using $leafkey",
    "select count(*)::int as given from pg_index where indrelid = '$leaf'::regclass and indisclustered",
  ],
  [
    "grants",
    "grant select on $leaf to $role with grant option; grant update (note) on $leaf to $role",
    ofLeaf(
      "concat(relacl::text, (select attacl::text from pg_attribute where attrelid = pg_class.oid and attname = 'note'))",
    ),
  ],
  [
    "a publication",
    "create publication $name for table $leaf",
    "select count(*)::int as given from pg_publication_tables where pubname = '$name'",
  ],
  [
    "a publication of some",
    "create publication $name for table $leaf (id, note) where (id > 0)",
    "select concat(attnames::text, rowfilter) as given from pg_publication_tables where pubname = '$name'",
  ],
  ["a comment", "comment on table $leaf is 'rows'", ofLeaf("obj_description(oid)")],
  [
    "a trigger of the user's table that is disabled",
    "create function shop.hear() returns trigger language plpgsql as 'begin return new; end'; create trigger hear after update on shop.orders for each row execute function shop.hear(); alter table shop.orders disable trigger hear",
    "select tgenabled as given from pg_trigger where tgname = 'hear' and tgrelid = '$leaf'::regclass",
  ],

  [
    "a trigger of the user's table that is disabled in the partition alone",
    "create function shop.hear() returns trigger language plpgsql as 'begin return new; end'; create trigger hear after update on shop.orders for each row execute function shop.hear(); alter table $leaf disable trigger hear",
    "select tgenabled as given from pg_trigger where tgname = 'hear' and tgrelid = '$leaf'::regclass",
  ],
];

describe("what people have given the partition is there after", () => {
  const ways: [string, Partial<PrepareRequest>][] = [
    ["a full refresh", ANEW],
    ["a full refresh that makes the table anew", { ...ANEW, columns: WIDER }],
    ["a load in place that makes the table anew", { columns: WIDER }],
  ];
  describe.each(ways)("%s", (_way, request) => {
    // Postgres does not change the type of a column that a publication names.
    const carried = CARRIED.filter(([what]) => request.complete || what !== "a publication of some");
    test.each(carried)("%s", async (what, sql, shows) => {
      const warehouse = await openWarehouse();
      await loadRow(warehouse);
      const leaf = await leafOf(warehouse);
      const fill = await give(
        warehouse,
        sql
          .replace("$leafkey", `${leaf.split(".")[1]}_pkey`)
          .replace("$leafindex", `${leaf.split(".")[1]}_id_note_idx`),
      );
      const shown = async () => (await warehouse.query<{ given: unknown }>(await fill(shows)))[0]?.given;
      const before = await shown();
      expect([undefined, null, "", 0, "{}"], `${what} is given`).not.toContain(before);
      await loadRow(warehouse, request);
      expect(await shown()).toEqual(before);
      expect(await warehouse.query("select id::text from shop.orders")).toEqual([{ id: "7" }]);
      if (what === "a tablespace") {
        await warehouse.query(`alter table ${await leafOf(warehouse)} set tablespace pg_default`);
        await warehouse.query(await fill("drop tablespace $name"));
      }
    });
  });
});

const LOST: [what: string, sql: string, named: string][] = [
  ["an index", "create index mine on $leaf (note)", "index mine"],
  ["a check", "alter table $leaf add constraint short check (length(note) < 9)", "constraint short"],
  ["a NOT NULL", "alter table $leaf alter note set not null", "NOT NULL of note"],
  ["a unique constraint", "alter table $leaf add constraint single unique (note)", "constraint single"],
  [
    "a reference",
    "create table shop.notes (note text primary key); insert into shop.notes values ('a'); alter table $leaf add constraint known foreign key (note) references shop.notes",
    "constraint known",
  ],
  [
    "a trigger",
    "create function shop.hear() returns trigger language plpgsql as 'begin return new; end'; create trigger hear after update on $leaf execute function shop.hear()",
    "trigger hear",
  ],
  ["a rule", "create rule nothing as on delete to $leaf where old.id = 0 do instead nothing", "rule nothing"],
  ["a policy", "create policy mine on $leaf using (true)", "policy mine"],
  ["row level security", "alter table $leaf enable row level security", "row level security"],
  ["a statistics object", "create statistics together on id, note from $leaf", "statistics together"],
];

describe("what people have given the partition alone", () => {
  test.each(LOST)("is named as a loss of a full refresh, which has to be confirmed: %s", async (_what, sql, named) => {
    const warehouse = await openWarehouse();
    await loadRow(warehouse);
    await give(warehouse, sql);
    const leaf = await leafOf(warehouse);
    const request = prepareRequest(ANEW);
    const { losses, confirmation } = await warehouse.destination.previewEntity(request);
    expect(losses).toEqual([expect.stringContaining(`${named} of its partition ${leaf}`)]);
    await expect(warehouse.destination.prepareEntity(request)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
    await loadRow(warehouse, { ...ANEW, confirmedPlan: confirmation });
    expect(await leafOf(warehouse)).not.toBe(leaf);
  });

  test.each(LOST)("after a full refresh was planned stops its swap: %s", async (_what, sql, named) => {
    const warehouse = await openWarehouse();
    await loadRow(warehouse);
    const request = prepareRequest(ANEW);
    const target = await warehouse.destination.prepareEntity(request);
    await load(warehouse, target, request, [["7", "a", "2026-01-01"]]);
    await give(warehouse, sql);
    const leaf = await leafOf(warehouse);
    await expect(finish(warehouse, target, request)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
      message: expect.stringContaining(named),
    });
    expect(await leafOf(warehouse)).toBe(leaf);
  });

  test.each([
    ["a view", "create view shop.rows as select id from $leaf", "view shop.rows"],
    [
      "a materialized view",
      "create materialized view shop.kept as select id from $leaf",
      "materialized view shop.kept",
    ],
    [
      "a function",
      "create function shop.total($leaf) returns integer language sql as 'select 1'",
      "function shop.total",
    ],
    [
      "a reference of another table",
      "create table shop.lines (id integer references $leaf)",
      "a foreign key of shop.lines",
    ],
  ])("and would keep it from going is named before anything is loaded: %s", async (_what, sql, named) => {
    const warehouse = await openWarehouse();
    await loadRow(warehouse);
    await give(warehouse, sql);
    await expect(warehouse.destination.previewEntity(prepareRequest(ANEW))).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
      message: expect.stringContaining(named),
    });
    await loadRow(warehouse);
  });

  const withNote = (type: string) =>
    WIDER.map((column) => (column.name === "note" ? { ...column, type } : { ...column }));

  test.each([
    [
      "a publication",
      "create publication $name for table $leaf (id, note)",
      "the columns or rows that publication",
      "bigint",
      "text",
    ],
    ["a view", "create view shop.rows as select note from $leaf", "shop.rows", "bigint", "character varying(20)"],
  ])(
    "and would keep its columns from changing in place is named before anything is changed: %s",
    async (_what, sql, named, id, note) => {
      const warehouse = await openWarehouse();
      const narrow = withNote(note === "text" ? "text" : "character varying(10)");
      const before = narrow.map((column) =>
        column.name === "id" && note === "text" ? { ...column, type: "integer" } : column,
      );
      await loadRow(warehouse, { columns: before });
      await give(warehouse, sql);
      const after = withNote(note).map((column) => (column.name === "id" ? { ...column, type: id } : column));
      await expect(warehouse.destination.prepareEntity(prepareRequest({ columns: after }))).rejects.toMatchObject({
        reasonCode: "destination_schema_conflict",
        message: expect.stringContaining(named),
      });
    },
  );
});
