import { pipeline } from "node:stream/promises";
import type { Client } from "pg";
import { escapeIdentifier } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { RowList } from "../../core/row-list.ts";
import type { Batch, TablesBatch } from "../../providers/batch.ts";
import type { SourceColumn } from "../../providers/provider.ts";

/** Decodes batches through a real Postgres, as a destination would. */
export interface ReadBack {
  /** Each row as Postgres prints it: `(1,"a b",)`. Of a batch of several tables those of the entity. */
  rowsOf(batch: Batch | TablesBatch, entityKey?: string): Promise<string[]>;
}

/** @param client keeps a temporary table of those columns */
export async function createReadBack(client: Client, columns: SourceColumn[]): Promise<ReadBack> {
  const definitions = columns.map((column) => `${escapeIdentifier(column.name)} ${column.type}`);
  await client.query("set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set extra_float_digits = 3");
  await client.query(`drop table if exists pg_temp.read_back; create temp table read_back (${definitions.join(", ")})`);

  async function insert(names: string[], rows: RowList): Promise<void> {
    for (const cells of rows) {
      const places = cells.map((_, i) => `$${i + 1}`).join(", ");
      const into = names.map(escapeIdentifier).join(", ");
      await client.query(`insert into pg_temp.read_back (${into}) values (${places})`, cells);
    }
  }

  return {
    async rowsOf(batch, entityKey = "") {
      await client.query("truncate pg_temp.read_back");
      if (batch.kind === "copy") {
        const names = batch.columns.map(escapeIdentifier).join(", ");
        const copy = copyFrom(`copy pg_temp.read_back (${names}) from stdin (format ${batch.format})`);
        await pipeline(batch.stream, client.query(copy));
      } else if (batch.kind === "rows") await insert(batch.columns, batch.rows);
      else {
        const table = batch.tables[entityKey];
        if (table !== undefined) await insert(table.columns, table.rows);
      }
      const { rows } = await client.query<{ row: string }>("select read_back::text as row from pg_temp.read_back");
      return rows.map(({ row }) => row);
    },
  };
}
