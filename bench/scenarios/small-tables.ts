import type { Bench } from "../lib/bench.ts";
import { quoteShell, runShell } from "../lib/psql.ts";
import { race } from "../lib/race.ts";
import { type Outcome, type Sample, speedRatio } from "../lib/samples.ts";
import { findDifference, measureFirstLoad, SCHEMA } from "../lib/syncs.ts";

const TABLES = 200;
const ROWS = 500;
const LOOP = "psql pipe in a shell loop";
const SLUICE = "Sluice, one sync";

const COLUMNS = "id int primary key, name text, amount numeric(12,2), updated_at timestamptz";
const PROVENANCE =
  "_sluice_run_id uuid not null default _sluice.run_id(), _sluice_synced_at timestamptz not null default now()";

/** Each table is made and filled, by both. */
export async function smallTables(bench: Bench): Promise<Outcome> {
  const names = Array.from({ length: TABLES }, (_, i) => `small_${i}`);
  bench.say(`  making ${TABLES} tables of ${ROWS} rows`);
  for (const name of names) {
    await bench.source.query(`drop table if exists ${name}`);
    await bench.source.query(`create table ${name} (${COLUMNS})`);
    await bench.source.query(
      `insert into ${name} select i, md5(i::text), i / 100.0, timestamptz '2025-01-01 00:00:00+00' + i * interval '1 hour'
       from generate_series(1, ${ROWS}) i`,
    );
    await bench.source.query(`vacuum (analyze) ${name}`);
  }
  // Warms up, and makes the ledger, which the defaults of both sides' tables ask.
  await measureFirstLoad(bench, { entityKeys: [`public.${names[0]}`], executionMode: "fan_out_entity" });
  const standings = await race(bench, [
    { name: LOOP, run: () => loopOverTables(bench, names) },
    {
      name: SLUICE,
      run: () =>
        measureFirstLoad(bench, {
          entityKeys: names.map((name) => `public.${name}`),
          executionMode: "fan_out_entity",
        }),
    },
  ]);
  for (const name of names) {
    await bench.source.query(`drop table ${name}`);
    await bench.warehouse.query(`drop table if exists ${SCHEMA}.limit_${name}`);
  }
  return {
    title: `${TABLES} small tables`,
    standings,
    targets: [{ what: "Sluice / shell loop", value: speedRatio(standings, SLUICE, LOOP), atLeast: 0.7 }],
  };
}

async function loopOverTables(bench: Bench, names: readonly string[]): Promise<Sample> {
  await bench.warehouse.query(`create schema if not exists ${SCHEMA}`);
  for (const name of names) await bench.warehouse.query(`drop table if exists ${SCHEMA}.limit_${name}`);
  const [source, warehouse] = [bench.info.demoSourceUrl, bench.info.warehouseUrl].map(quoteShell);
  const startedAt = performance.now();
  const fault = await runShell(
    `for name in ${names.join(" ")}; do
       psql -qX ${source} -c "copy $name to stdout (format binary)" | psql -qX ${warehouse} -v ON_ERROR_STOP=1 \
         -c "create table ${SCHEMA}.limit_$name (${COLUMNS}, ${PROVENANCE})" \
         -c "copy ${SCHEMA}.limit_$name (id, name, amount, updated_at) from stdin (format binary)" || exit 1
     done`,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const [first = ""] = names;
  const difference =
    fault ?? (await findDifference(bench, `public.${first}`, { schema: SCHEMA, table: `limit_${first}` }));
  return { seconds, rows: TABLES * ROWS, peakRssMb: null, fault: difference };
}
