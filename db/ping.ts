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
