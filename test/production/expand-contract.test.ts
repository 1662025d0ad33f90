import { Migrator } from "kysely/migration";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../db/migrate.ts";
import { createTestDatabase, openDb, type TestDatabase, withClient } from "../support/postgres.ts";

/**
 * While an upgrade goes on, processes of the version before work on the new schema. So a migration adds: nothing that they
 * read or write goes, gets another name or type, or is demanded of them. What is narrowed must have been unused a version before.
 */

interface Column {
  type: string;
  nullable: boolean;
  /** An insert may leave it out. */
  optional: boolean;
}
interface Shape {
  columns: Record<string, Column>;
  /** Checks, keys, unique indexes: what can refuse a row, by table and definition. */
  guards: string[];
}

describe("every migration after the first only adds", () => {
  let database: TestDatabase;
  const shapes: { name: string; shape: Shape }[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
    const db = openDb(database.url);
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    for (const name of Object.keys(MIGRATIONS).sort()) {
      expect((await migrator.migrateTo(name)).error).toBeUndefined();
      shapes.push({ name, shape: await readShape(database.url) });
    }
    await db.destroy();
  });
  afterAll(() => database.drop());

  const steps = Object.keys(MIGRATIONS)
    .sort()
    .slice(1)
    .map((name, index) => ({ name, index }));

  function pairOf(index: number): { before: Shape; after: Shape } {
    const [before, after] = [shapes[index]?.shape, shapes[index + 1]?.shape];
    if (before === undefined || after === undefined) throw new Error("not migrated");
    return { before, after };
  }

  it.each(steps)("$name: no column goes, changes its type, or is more demanding than it was", ({ index }) => {
    const { before, after } = pairOf(index);
    const broken = Object.entries(before.columns).filter(([key, column]) => {
      const now = after.columns[key];
      if (now === undefined || now.type !== column.type) return true;
      return (column.nullable && !now.nullable) || (column.optional && !now.optional);
    });
    expect(broken.map(([key]) => key)).toEqual([]);
  });

  it.each(steps)("$name: a new column of a table that was there may be left out", ({ index }) => {
    const { before, after } = pairOf(index);
    const tables = new Set(Object.keys(before.columns).map(tableOf));
    const demanding = Object.entries(after.columns).filter(
      ([key, column]) => !(key in before.columns) && tables.has(tableOf(key)) && !column.optional,
    );
    expect(demanding.map(([key]) => key)).toEqual([]);
  });

  it.each(steps)(
    "$name: nothing refuses a row of a table that was there which it did not refuse before",
    ({ index }) => {
      const { before, after } = pairOf(index);
      const tables = new Set(Object.keys(before.columns).map(tableOf));
      const added = after.guards.filter((guard) => !before.guards.includes(guard) && tables.has(tableOf(guard)));
      const demanding = added.filter((guard) => !before.guards.some((known) => isWider(guard, known)));
      expect(demanding).toEqual([]);
    },
  );
});

const CLOSED_LIST = /^(.*) CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)$/;

/** The same closed list of values with more values in it. */
function isWider(guard: string, known: string): boolean {
  const [wider, narrower] = [CLOSED_LIST.exec(guard), CLOSED_LIST.exec(known)];
  if (wider === null || narrower === null || wider[1] !== narrower[1] || wider[2] !== narrower[2]) return false;
  const values = new Set(wider[3]?.split(", "));
  return narrower[3]?.split(", ").every((value) => values.has(value)) ?? false;
}

function tableOf(key: string): string {
  return key.split(/[. ]/, 1)[0] ?? key;
}

async function readShape(url: string): Promise<Shape> {
  return withClient(url, async (client) => {
    const columns = await client.query<Column & { key: string }>(`
      select c.relname || '.' || a.attname as key, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
             not a.attnotnull or a.atthasdef or a.attidentity <> '' as optional
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v')
      where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
        and c.relname not like 'kysely%'`);
    const guards = await client.query<{ guard: string }>(`
      select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) as guard
      from pg_constraint where connamespace = 'public'::regnamespace and contype in ('c', 'f', 'u', 'p', 'x')
      union all
      select indrelid::regclass || ' ' || pg_get_indexdef(indexrelid) from pg_index
      join pg_class on pg_class.oid = indexrelid
      where indisunique and relnamespace = 'public'::regnamespace`);
    return {
      columns: Object.fromEntries(columns.rows.map(({ key, ...column }) => [key, column])),
      guards: guards.rows.map(({ guard }) => guard),
    };
  });
}
