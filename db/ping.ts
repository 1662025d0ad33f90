import { sql } from "kysely";
import type { Db } from "./client.ts";

/** @throws whatever stands between this process and the database */
export async function pingDatabase(db: Db): Promise<void> {
  await sql`select 1`.execute(db);
}

export async function isReachable(db: Db): Promise<boolean> {
  return pingDatabase(db).then(
    () => true,
    () => false,
  );
}

/** One statement of the caller's, such as a question about the database itself; its columns as they are called there. */
export async function askDatabase(db: Db, statement: string): Promise<Record<string, string | null>[]> {
  const { rows } = await sql.raw<Record<string, string | null>>(statement).execute(db);
  return rows;
}
