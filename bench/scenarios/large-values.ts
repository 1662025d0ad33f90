import type { Bench } from "../lib/bench.ts";
import { racePipe } from "../lib/race-pipe.ts";
import type { Outcome } from "../lib/samples.ts";

const VALUE_BYTES = 10 * 1024 * 1024;

/** Values that do not compress, so that each of them really passes. */
export async function largeValues(bench: Bench): Promise<Outcome> {
  const rows = Math.max(3, Math.round(bench.rows / 100_000));
  bench.say(`  making public.large_values, ${rows} rows of 10 MB`);
  await bench.source.query("drop table if exists large_values");
  await bench.source.query("create table large_values (id int primary key, body text)");
  await bench.source.query("alter table large_values alter body set storage external");
  await bench.source.query(
    `insert into large_values
     select i, (select string_agg(md5(i || '-' || n), '') from generate_series(1, ${VALUE_BYTES / 32}) n)
     from generate_series(1, ${rows}) i`,
  );
  await bench.source.query("vacuum (analyze) large_values");
  return racePipe(bench, { title: "Values of 10 MB", entityKey: "public.large_values" });
}
