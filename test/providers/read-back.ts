import { pipeline } from "node:stream/promises";
import type { Client } from "pg";
import { escapeIdentifier } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Batch } from "../../providers/batch.ts";
import type { SourceColumn } from "../../providers/provider.ts";

/** Decodes batches through a real Postgres, as a destination would. */
export interface ReadBack {
  /** Each row as Postgres prints it: `(1,"a b",)`. */
  rowsOf(batch: Batch): Promise<string[]>;
}

/** @param client keeps a temporary table of those columns */
export async function createReadBack(client: Client, columns: SourceColumn[]): Promise<ReadBack> {
  const definitions = columns.map((column) => `${escapeIdentifier(column.name)} ${column.type}`);
  await client.query("set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set extra_float_digits = 3");
  await client.query(`drop table if exists pg_temp.read_back; create temp table read_back (${definitions.join(", ")})`);
  return {
    async rowsOf(batch) {
      await client.query("truncate pg_temp.read_back");
      if (batch.kind === "tables") throw new Error("A batch of several tables cannot be read back as one.");
      const names = batch.columns.map(escapeIdentifier).join(", ");
      if (batch.kind === "copy") {
        const copy = copyFrom(`copy pg_temp.read_back (${names}) from stdin (format ${batch.format})`);
        await pipeline(batch.stream, client.query(copy));
      } else {
        for (const cells of batch.rows) {
          const places = cells.map((_, i) => `$${i + 1}`).join(", ");
          await client.query(`insert into pg_temp.read_back (${names}) values (${places})`, cells);
        }
      }
      const { rows } = await client.query<{ row: string }>("select read_back::text as row from pg_temp.read_back");
      return rows.map(({ row }) => row);
    },
  };
}
