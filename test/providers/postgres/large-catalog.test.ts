import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIRST_TABLE, fillCatalog } from "../../../scripts/lib/large-catalog.ts";
import { withClient } from "../../support/postgres.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

const RELATIONS = 600;

/** Figures of catalogs that are far larger: `npm run catalog:check`. */
describe("a catalog of many relations and domains", () => {
  let source: PostgresSource;
  beforeAll(async () => {
    source = await createPostgresSource("select");
    await withClient(source.url, (client) =>
      fillCatalog(client, { relations: RELATIONS, columnsEach: 6, domains: 80 }),
    );
  });
  afterAll(() => source.close());

  /** Rows that whole scans of a catalog table have read so far, by all sessions that have ended. */
  const readByScans = async (catalog: string): Promise<number> => {
    const [row] = await source.sql<{ rows: number }>(
      "select seq_tup_read::int as rows from pg_stat_sys_tables where schemaname = 'pg_catalog' and relname = $1",
      [catalog],
    );
    return row?.rows ?? 0;
  };
  const CATALOGS = ["pg_class", "pg_attribute", "pg_type", "pg_index", "pg_constraint"];
  const scans = async (): Promise<Record<string, number>> =>
    Object.fromEntries(await Promise.all(CATALOGS.map(async (name) => [name, await readByScans(name)])));

  const whileCounting = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
    const before = await scans();
    await work();
    const after = await scans();
    return Object.fromEntries(CATALOGS.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
  };

  describe.each(["never analysed", "analysed"])("%s", (state) => {
    beforeAll(async () => {
      if (state === "analysed") await source.sql("analyze");
      // An ANALYZE takes away the file that new sessions know the catalogs by; until one of them has made it again, they scan pg_index.
      await source.sql("select");
      await source.sql("select pg_stat_force_next_flush()");
    });

    it("is discovered with one scan of pg_class, and everything else by an index", async () => {
      const read = await whileCounting(async () => {
        const found = await source.use((opened) => opened.discover(null));
        expect(found).toHaveLength((RELATIONS * 16) / 20);
      });
      const [{ classes } = { classes: 0 }] = await source.sql<{ classes: number }>(
        "select count(*)::int as classes from pg_class",
      );
      // Dead rows are read too.
      expect(read.pg_class).toBeLessThan(2 * classes);
      expect(read).toMatchObject({ pg_attribute: 0, pg_type: 0, pg_index: 0, pg_constraint: 0 });
    });

    it("gives one table without scanning any catalog", async () => {
      const read = await whileCounting(async () => {
        const found = await source.use((opened) => opened.discover([FIRST_TABLE]));
        expect(found.map(({ entityKey }) => entityKey)).toEqual([FIRST_TABLE]);
        await source.plan({ entityKey: FIRST_TABLE });
      });
      expect(read).toEqual(Object.fromEntries(CATALOGS.map((name) => [name, 0])));
    });
  });
});
