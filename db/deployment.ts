import type { Db } from "./client.ts";

/** Names this control database to warehouses that several may share. */
export async function readDeploymentId(db: Db): Promise<string> {
  const { id } = await db.selectFrom("deployment").select("id").executeTakeFirstOrThrow();
  return id;
}
