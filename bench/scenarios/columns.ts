import type { Bench } from "../lib/bench.ts";
import { racePipe } from "../lib/race-pipe.ts";
import type { Outcome } from "../lib/samples.ts";

/** As many cells each time, in ever more columns. Wider values than these would not fit a page a thousand times. */
async function loadColumns(bench: Bench, count: number): Promise<Outcome> {
  const rows = Math.max(10, Math.round((bench.rows * 10) / count));
  const others = Array.from({ length: count - 1 }, (_, i) => `column_${i}`);
  bench.say(`  making public.columns, ${rows.toLocaleString("en-US")} rows of ${count} columns`);
  await bench.source.query("drop table if exists columns");
  await bench.source.query(
    `create table columns (id int primary key, ${others.map((name, i) => `${name} ${i % 2 === 0 ? "int" : "text"}`).join(", ")})`,
  );
  await bench.source.query(
    `insert into columns select i, ${others.map((_, i) => (i % 2 === 0 ? `i + ${i}` : "left(md5(i::text), 3)")).join(", ")}
     from generate_series(1, ${rows}) i`,
  );
  await bench.source.query("vacuum (analyze, freeze) columns");
  return racePipe(bench, { title: `${count} columns`, entityKey: "public.columns" });
}

export const columns = Object.fromEntries(
  [10, 100, 1000].map((count) => [`columns/${count}`, (bench: Bench) => loadColumns(bench, count)]),
);
