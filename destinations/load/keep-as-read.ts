import { quoteColumns, quoteTable } from "../sql.ts";
import type { WaitingWriting } from "./writing.ts";

/** Every row is kept, also where it shares its key with another one: the finish decides. */
export const keepAsRead: WaitingWriting = {
  by: "finish",
  does: "append",
  async apply({ client }, { target }, { table, columns, readOrder }) {
    const names = quoteColumns(columns);
    const { rowCount } = await client.query(
      `insert into ${quoteTable({ schema: target.leafSchema, table: target.leafTable })} (${names})
       select ${names} from ${table} order by ${readOrder}`,
    );
    return { written: 0, inserted: rowCount ?? 0 };
  },
};
