import { randomUUID } from "node:crypto";
import type { Db } from "../../db/client.ts";

/** A binding of `public.orders`; `frozen`: its table was loaded. */
export async function insertBinding(db: Db, syncId: string, options: { frozen: boolean }): Promise<void> {
  await db
    .insertInto("tableBindings")
    .values({
      id: randomUUID(),
      syncId,
      entityKey: "public.orders",
      sourceInstanceKey: "localhost/shop",
      logicalTableName: "orders",
      physicalTableName: "postgres_orders",
      tableNamingVersion: "v1",
      given: "{}",
      frozenAt: options.frozen ? new Date() : null,
    })
    .execute();
}
