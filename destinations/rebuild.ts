import type { Session } from "./session.ts";
import { quoteIdentifier, quoteTable, type TableName } from "./sql.ts";

interface Grant {
  privilege: string;
  /** Quoted; `public` for everyone. */
  grantee: string;
  grantable: boolean;
}

/**
 * Makes the parent anew, since Postgres cannot change what a table is partitioned by. Only for that rare case: the table's
 * identity goes, its grants are carried over, and whatever depends on it (a view) makes this fail with nothing done.
 * Within the transaction that has detached the rows.
 */
export async function rebuildParent(
  session: Session,
  parent: TableName,
  like: TableName,
  partitionBy: string,
): Promise<void> {
  const { client } = session;
  const name = quoteTable(parent);
  const { rows: grants } = await client.query<Grant>(
    `select privilege_type as privilege, is_grantable as grantable,
            case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee
     from pg_class, aclexplode(relacl) where oid = to_regclass($1) and grantee <> relowner`,
    [name],
  );
  await client.query(`drop table ${name}`);
  await client.query(
    `create table ${name} (like ${quoteTable(like)} including all) partition by list (${quoteIdentifier(partitionBy)})`,
  );
  for (const { privilege, grantee, grantable } of grants) {
    await client.query(`grant ${privilege} on ${name} to ${grantee} ${grantable ? "with grant option" : ""}`);
  }
}
