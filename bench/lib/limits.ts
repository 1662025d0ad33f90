import pg from "pg";
import type { Bench } from "./bench.ts";
import { type LimitTable, quoteColumns } from "./limit-table.ts";
import { timePipes } from "./psql.ts";
import type { Contender } from "./race.ts";
import type { Sample } from "./samples.ts";
import { findDifference } from "./syncs.ts";

/** What no tool can beat by much: psql's own COPY, into a table like the one that Sluice makes. */

/** @param streams conditions that cut the rows, one for each stream; one stream of all rows when absent */
export function copyContender(
  bench: Bench,
  name: string,
  table: LimitTable,
  streams: readonly string[] = ["true"],
): Contender {
  const columns = quoteColumns(table.columns);
  return {
    name,
    async run() {
      await table.renew();
      const pipes = streams.map((where) => ({
        read: `copy (select ${columns} from ${table.entityKey} where ${where}) to stdout (format binary)`,
        write: [`copy ${table.schema}.${table.table} (${columns}) from stdin (format binary)`],
      }));
      return proved(bench, table, { ...(await timePipes(bench, pipes)), rows: await countRows(bench, table, "true") });
    },
  };
}

/**
 * COPY to a temporary table, then the statement that was found fastest.
 * @param changedWhere picks the changed rows at the source
 */
export function mergeContender(bench: Bench, name: string, table: LimitTable, changedWhere: () => string): Contender {
  const columns = quoteColumns(table.columns);
  const target = `${table.schema}.${table.table}`;
  const updated = [
    ...table.columns.filter((column) => !table.keyColumns.includes(column)),
    ...["_sluice_run_id", "_sluice_synced_at"],
  ];
  const updates = updated.map(pg.escapeIdentifier).map((column) => `${column} = excluded.${column}`);
  return {
    name,
    async run() {
      const where = changedWhere();
      const timed = await timePipes(bench, [
        {
          read: `copy (select ${columns} from ${table.entityKey} where ${where}) to stdout (format binary)`,
          write: [
            `create temporary table stage as select ${columns} from ${target} with no data`,
            `copy stage (${columns}) from stdin (format binary)`,
            "analyze stage",
            `insert into ${target} (${columns}) select ${columns} from stage
             on conflict (${quoteColumns(table.keyColumns)}) do update set ${updates.join(", ")}`,
          ],
        },
      ]);
      return proved(bench, table, { ...timed, rows: await countRows(bench, table, where) });
    },
  };
}

async function countRows({ source }: Bench, { entityKey }: LimitTable, where: string): Promise<number> {
  const { rows } = await source.query<{ count: string }>(`select count(*) from ${entityKey} where ${where}`);
  return Number(rows[0]?.count);
}

async function proved(bench: Bench, table: LimitTable, sample: Sample): Promise<Sample> {
  return { ...sample, fault: sample.fault ?? (await findDifference(bench, table.entityKey, table)) };
}
