import type { Bench } from "../lib/bench.ts";
import { race } from "../lib/race.ts";
import type { Outcome } from "../lib/samples.ts";
import { createSync, dropSync, runSync } from "../lib/syncs.ts";

const TABLE = "public.ties";

/** A run of a table where nothing has happened, all of whose rows have the newest cursor value, as after a bulk update. */
function tied(rows: number): (bench: Bench) => Promise<Outcome> {
  return async (bench) => {
    await bench.source.query(`drop table if exists ${TABLE}`);
    await bench.source.query(`create table ${TABLE} (id bigint primary key, note text, updated_at timestamptz)`);
    await bench.source.query(
      `insert into ${TABLE} select n, md5(n::text), '2026-01-01' from generate_series(1, ${rows}) as n`,
    );
    await bench.source.query(`create index on ${TABLE} (updated_at)`);
    await bench.source.query(`vacuum analyze ${TABLE}`);
    const sync = await createSync(bench, {
      ...{ entityKeys: [TABLE], executionMode: "fan_out_window", cursorField: "updated_at" },
    });
    await runSync(bench, sync);
    const name = `Sluice, nothing new, ${rows} rows at the cursor`;
    const standings = await race(bench, [{ name, run: async () => (await runSync(bench, sync)).sample }]);
    await dropSync(bench, sync);
    const seconds = standings[0]?.seconds.median ?? Number.NaN;
    return {
      title: name,
      standings,
      targets: [{ what: "seconds from trigger to terminal", value: seconds, atMost: 2 }],
    };
  };
}

export const ties = { "ties/1": tied(1), "ties/10000": tied(10_000), "ties/1000000": tied(1_000_000) };
