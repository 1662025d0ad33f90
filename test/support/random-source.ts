import pg from "pg";
import type { SourceRow } from "./load-models.ts";
import type { Dice } from "./random.ts";
import type { World } from "./world.ts";

/** Tables `id, note, updated_at` whose rows change at random. Every change that a cursor can tell moves it, as an application would. */

const ROWS = 240;

export async function createRandomTable(world: World, table: string, hasKey: boolean): Promise<void> {
  // Seven rows share an instant, and some have none.
  await world.source(`
    create table ${table} (id integer not null ${hasKey ? "primary key" : ""}, note text, updated_at timestamptz);
    create index on ${table} (updated_at);
    insert into ${table}
      select i, 'first', case when i % 31 > 0 then date_trunc('day', now()) - interval '9 days' + i / 7 * interval '5 hours 1 microsecond' end
      from generate_series(1, ${ROWS}) i;
    analyze ${table}`);
}

export async function readRandomTable(world: World, table: string): Promise<SourceRow[]> {
  const rows = await world.source(`select id, note, updated_at::text as at from ${table}`);
  return rows as SourceRow[];
}

/** Some changes, each committed. @param note tells rows of this step from others */
export async function changeAtRandom(world: World, table: string, dice: Dice, note: string): Promise<void> {
  const some = () => `id % ${3 + dice.roll(20)} = ${dice.roll(3)}`;
  const changes = [
    () => insertInto(table, note, 1 + dice.roll(20)),
    () => `insert into ${table} select max(id) + 1, '${note}', null from ${table}`,
    () => `update ${table} set note = '${note}', updated_at = now() where ${some()}`,
    // Nobody but a complete scan can see that.
    () => `update ${table} set updated_at = null where id % 50 = ${dice.roll(50)}`,
    () => `delete from ${table} where ${some()} and id % 4 > 0`,
    () =>
      `update ${table} set id = id + (select max(id) from ${table}), updated_at = now()
       where id % 40 = ${dice.roll(40)} and id <= ${ROWS}`,
    () => `insert into ${table} select i, '${note}', now() from generate_series(1, ${ROWS}) i
           where i % 5 = ${dice.roll(5)} and not exists (select from ${table} where id = i) limit 9`,
    // In a keyless table these are rows that are equal.
    () => `update ${table} set note = 'same', updated_at = now() where id < 9`,
  ];
  for (let n = 1 + dice.roll(5); n > 0; n--) await world.source(dice.pick(changes)());
}

/**
 * Changes in a transaction that stays open: its rows have a cursor from before they can be seen.
 * @param options.updates also of rows that are there
 */
export async function changeLate(
  world: World,
  table: string,
  options: { note: string; updates: boolean },
): Promise<{ commit(): Promise<void> }> {
  const session = new pg.Client(world.sourceUrl);
  // Nobody is left to hear of it where the test has failed already.
  session.on("error", () => undefined);
  await session.connect();
  await session.query("begin");
  await session.query(insertInto(table, options.note, 15));
  if (options.updates)
    await session.query(`update ${table} set note = '${options.note}', updated_at = now() where id % 9 = 4`);
  return {
    async commit() {
      await session.query("commit");
      await session.end();
    },
  };
}

function insertInto(table: string, note: string, rows: number): string {
  return `insert into ${table} select i + (select max(id) from ${table}), '${note}', now() from generate_series(1, ${rows}) i`;
}
