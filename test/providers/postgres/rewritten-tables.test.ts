import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withClient } from "../../support/postgres.ts";
import { until } from "../../support/world.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Whoever reads a table while a transaction writes it anew waits for that, and must not find it empty. */
describe("a table that is written anew while a read waits for it", () => {
  let source: PostgresSource;
  beforeAll(async () => {
    source = await createPostgresSource(`
      create table plain (id int primary key, note text);
      insert into plain select n, 'old' from generate_series(1, 100) n;
      create table parted (id int primary key, note text) partition by range (id);
      create table part_1 partition of parted for values from (0) to (50);
      create table part_2 partition of parted for values from (50) to (1000);
      insert into parted select n, 'old' from generate_series(1, 100) n;
      create view shown as select * from plain;
      create materialized view kept as select * from plain;
      create unique index on kept (id);
      create unlogged table logged_later (id int primary key, note text);
      insert into logged_later select n, 'new' from generate_series(1, 100) n;
    `);
    await source.sql("analyze");
  });
  afterAll(() => source.close());

  const refill = (table: string) =>
    `truncate ${table}; insert into ${table} select n, 'new' from generate_series(1, 100) n`;
  it.each([
    ["plain", "truncated and filled", refill("plain")],
    ["parted", "truncated and filled", refill("parted")],
    [
      "parted",
      "of which one partition is truncated and filled",
      "update parted set note = 'new'; truncate part_2; insert into parted select n, 'new' from generate_series(50, 100) n",
    ],
    ["shown", "over a table that is truncated and filled", refill("plain")],
    ["kept", "refreshed", "update plain set note = 'new'; refresh materialized view kept"],
    ["logged_later", "made logged", "alter table logged_later set logged"],
  ])("%s, %s", async (table, _, change) => {
    for (const keyColumns of [["id"], []]) {
      const plan = await source.plan({ entityKey: `public.${table}`, keyColumns, windows: true });
      expect(plan.slices).toHaveLength(1);
      await withClient(source.url, async (writer) => {
        await writer.query("begin");
        await writer.query(change);
        const reading = source.readAll(plan);
        await until("the read waits", async () => {
          const waiting = await source.sql(
            "select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'",
            [source.config.user],
          );
          return waiting.length > 0 ? true : null;
        });
        await writer.query("commit");
        const rows = await reading;
        expect([rows.length, rows.filter((row) => row.includes("new")).length]).toEqual([100, 100]);
      });
    }
  });
});
