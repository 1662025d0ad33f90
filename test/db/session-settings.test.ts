import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { HOSTILE_SETTINGS } from "../support/hostile-settings.ts";
import { createControlDatabase, openDb, withClient } from "../support/postgres.ts";

test("what the control database answers and keeps does not depend on its settings", async () => {
  const { url, drop } = await createControlDatabase();
  onTestFinished(drop);
  const database = new URL(url).pathname.slice(1);
  const ask = async () => {
    const db = openDb(url);
    try {
      // A write, and values that their text changes.
      await sql`create table if not exists kept (at timestamptz, span interval, bytes bytea, names text[])`.execute(db);
      await sql`delete from kept`.execute(db);
      await sql`insert into kept values ('2026-01-02 03:04:05.678Z', '1 day -2:00', '\\x00ff', '{NULL,a}')`.execute(db);
      const { rows } =
        await sql`select at, span, bytes, names, 0.1::float8 as ratio, current_setting('synchronous_commit') as kept from kept`.execute(
          db,
        );
      return rows;
    } finally {
      await db.destroy();
    }
  };
  const plain = await ask();
  for (const [name, value] of [...HOSTILE_SETTINGS, ["session_replication_role", "replica"]] as const) {
    // Where the tables are is for the search_path of the control database to say.
    if (name === "search_path") continue;
    await withClient(url, (client) => client.query(`alter database "${database}" set ${name} = '${value}'`));
    expect({ name, rows: await ask() }).toEqual({ name, rows: plain });
    await withClient(url, async (client) => {
      await client.query("set default_transaction_read_only = off; set statement_timeout = 0");
      await client.query(`alter database "${database}" reset all`);
    });
  }
});
