import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

/** Two texts of one key of the source: table, type, before, after. */
type Key = [table: string, type: string, before: string, after: string];

/** The warehouse finds them equal, too: one key. */
const SAME_THERE: Key[] = [
  ["k_numeric", "numeric", "1.0", "1.00"],
  ["k_float", "double precision", "0", "-0"],
  ["k_real", "real", "0", "-0"],
  ["k_interval", "interval", "1 mon", "30 days"],
  ["k_jsonb", "jsonb", '{"a": 1.0}', '{"a": 1.00}'],
  ["k_array", "numeric[]", "{1.0}", "{1.00}"],
  ["k_range", "numrange", "[1.0,2)", "[1.00,2)"],
  ["k_multirange", "nummultirange", "{[1.0,2)}", "{[1.00,2)}"],
  ["k_domain", "amount", "1.0", "1.00"],
  ["k_bpchar", "bpchar", "a", "a  "],
];
/** They travel as text, or their collation does not: two keys of the warehouse. */
const TWO_THERE: Key[] = [
  ["k_composite", "pair", "(1.0,x)", "(1.00,x)"],
  ["k_citext", "citext", "a", "A"],
  ["k_collated", 'text collate "nocase"', "a", "A"],
  ["k_cube", "cube", "(0)", "(-0)"],
];
const KEYS = [...SAME_THERE, ...TWO_THERE];
const LOAD_MODES = ["upsert", "upsert_soft_delete", "delete_insert", "scd2"] as const;
const CURRENT: Record<string, string> = {
  ...{ scd2: "where _is_current", upsert_soft_delete: "where _deleted_at is null" },
};

describe("a key whose text changes without its value", () => {
  let world: World;
  let connectionId: string;
  beforeAll(async () => {
    world = await createWorld();
    await world.source(`create extension citext; create extension cube;
      create domain amount as numeric; create type pair as (n numeric, t text);
      create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
    await world.startWorker();
    connectionId = await world.createConnection();
  });
  afterAll(() => world.close());

  const run = async (sync: Row, runMode: "incremental" | "full_refresh" | "verify" | "repair"): Promise<Row> =>
    whenEnded(world, (await trigger(world, sync.id, { runMode })).id);
  const failedOf = ({ summary }: Row): string[] =>
    Object.entries(summary.entities as Record<string, Row>)
      .flatMap(([entityKey, { status }]) => (status === "done" ? [] : [entityKey.replace("public.", "")]))
      .sort();

  const errorsOf = ({ summary }: Row): string[] =>
    Object.entries(summary.entities as Record<string, Row>).flatMap(([entityKey, { status, error }]) =>
      status === "done" ? [] : [`${entityKey}: ${status}: ${error}`],
    );

  /** Tables that do not have the rows of the source, text for text. */
  async function differing(sync: Row, loadMode: string): Promise<string[]> {
    const found: string[] = [];
    for (const [table] of KEYS) {
      const rowsOf = (of: string) => `select id::text, part from ${of} order by part, id::text collate "C"`;
      const there = await world.source(rowsOf(table));
      const here = await world.warehouse(
        rowsOf(`(select * from ${tableOf(sync, `public.${table}`)} ${CURRENT[loadMode] ?? ""}) as t`),
      );
      if (JSON.stringify(there) !== JSON.stringify(here)) found.push(table);
    }
    return found.sort();
  }

  it.each(LOAD_MODES)(
    "%s, updated, or deleted and inserted: has the new text; what stays of the old one is seen by verify and mended",
    async (loadMode) => {
      for (const [table, type, before] of KEYS) {
        await world.source(
          `drop table if exists ${table};
         create table ${table} (id ${type}, part int, at timestamptz not null, primary key (id, part));
         insert into ${table} values ('${before}', 1, '2026-01-01'), ('${before}', 2, '2026-01-01'), ('${before}', 3, '2026-01-01')`,
        );
      }
      const entities = KEYS.map(([table]) => `public.${table}`);
      const sync = await world.createSync({
        ...{ connectionId, entities, destinationConfig: { schema: loadMode } },
        tableBindings: entities.map((entityKey) => ({ entityKey, loadMode, cursorField: "at" })),
      });
      const first = await run(sync, "incremental");
      expect({ status: first.status, failed: errorsOf(first) }).toEqual({ status: "succeeded", failed: [] });
      for (const [table, , , after] of KEYS) {
        await world.source(
          `update ${table} set id = '${after}', at = '2026-01-02' where part = 1;
           delete from ${table} where part = 3;
           insert into ${table} values ('${after}', 3, '2026-01-02')`,
        );
      }
      expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded" });
      // These modes do not look for keys that are gone.
      const stale = loadMode === "upsert" || loadMode === "scd2" ? TWO_THERE.map(([table]) => table).sort() : [];
      expect(await differing(sync, loadMode)).toEqual(stale);
      expect(failedOf(await run(sync, "verify"))).toEqual(stale);
      expect(await run(sync, loadMode === "scd2" ? "full_refresh" : "repair")).toMatchObject({ status: "succeeded" });
      expect(await differing(sync, loadMode)).toEqual([]);
      expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
    },
  );
});
