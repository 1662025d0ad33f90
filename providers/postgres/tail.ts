import { escapeIdentifier } from "pg";
import { type CursorTail, type Digest, isSameDigest } from "../../core/digests.ts";
import type { Relation } from "./catalog.ts";
import type { Cursor } from "./horizon.ts";
import { literal } from "./range.ts";
import type { Session } from "./session.ts";

/** Of more rows nothing is recorded, and the next run reads them again. A digest of a million takes less than a second. */
const MOST_ROWS = 2_000_000;

/** The version of Postgres that can hash row versions as they are, in a third of the time that it takes as text. */
const RECORD_HASHES_SINCE = 14;

/**
 * Read before the rows themselves: a row that changes between the two is read again by the next run.
 * @param at where it is known already
 */
export async function readTail(
  session: Session,
  relation: Relation,
  cursor: Cursor,
  { from, at: known }: { from: string | null; at?: Digest | undefined },
): Promise<CursorTail> {
  const seed = await readSeed(session, relation);
  if (from === null || seed === null) return {};
  const at = known ?? (await digestRows(session, relation, cursor, { seed, operator: "=", from, limit: MOST_ROWS }));
  const beyond = await digestRows(session, relation, cursor, { seed, operator: ">", from, limit: MOST_ROWS });
  return {
    from,
    ...(at.rows > MOST_ROWS ? {} : { at }),
    ...(beyond.rows > MOST_ROWS ? {} : { beyond }),
  };
}

/** Whether the rows at `from`, and those beyond it, are as the tail has them. Without a record they count as changed. */
export async function compareTail(
  session: Session,
  relation: Relation,
  cursor: Cursor,
  { from, tail }: { from: string; tail: CursorTail | null | undefined },
): Promise<{ isSameAt: boolean; isSameBeyond: boolean }> {
  const changed = { isSameAt: false, isSameBeyond: false };
  if (tail?.at === undefined || tail.from !== from) return changed;
  const seed = await readSeed(session, relation);
  if (seed === null) return changed;
  const at = await digestRows(session, relation, cursor, { seed, operator: "=", from, limit: null });
  if (!isSameDigest(tail.at, at)) return changed;
  if (tail.beyond === undefined) return { isSameAt: true, isSameBeyond: false };
  const beyond = await digestRows(session, relation, cursor, { seed, operator: ">", from, limit: tail.beyond.rows });
  return { isSameAt: true, isSameBeyond: isSameDigest(tail.beyond, beyond) };
}

/**
 * A row version is known by where it lies and which transaction wrote it: that costs no look at the values, and an update that is taken
 * back is still a change.
 * @param range.limit one row beyond the limit changes the count, which is all that has to be known of more rows; null for all rows, which
 * Postgres can read in parallel
 */
async function digestRows(
  session: Session,
  relation: Relation,
  cursor: Cursor,
  { seed, operator, from, limit }: { seed: string; operator: "=" | ">"; from: string; limit: number | null },
): Promise<Digest> {
  const doing = `looking for changes of ${relation.entityKey}`;
  const version = "row(t.tableoid, t.ctid, t.xmin)";
  const hash =
    (await session.majorVersion(doing)) < RECORD_HASHES_SINCE
      ? `hashtextextended(${version}::text, ${seed})`
      : `hash_record_extended(${version}, ${seed})`;
  const [found] = await session.query<{ rows: string; checksum: string }>(
    doing,
    `select count(*) as rows, coalesce(sum(version), 0)::text as checksum
     from (select ${hash} as version from ${relation.sql} as t
           where t.${escapeIdentifier(cursor.column)} ${operator} ${literal(from, cursor.kind)} ${limit === null ? "" : `limit ${limit + 1}`}) as versions`,
  );
  return { rows: Number(found?.rows ?? 0), checksum: found?.checksum ?? "0" };
}

/**
 * What the hashes of a relation begin with: something else whenever the server may give a row version a second time, to another row. It
 * does so after it went back: when a backup or a snapshot of the disk was restored, when a standby took over that had not got the last
 * transactions, or when a crash lost them. All but the last are other server processes; a crash that the process survives resets its
 * statistics. So the rows are read again after each restart.
 * @returns a bigint; null where no versions can be seen: views and foreign tables do not tell which version of a row they show, nor does
 * Postgres tell it whoever may not read all columns
 */
async function readSeed(session: Session, relation: Relation): Promise<string | null> {
  const [row] = await session.query<{ has: boolean; seed: string }>(
    `looking for changes of ${relation.entityKey}`,
    `with recursive member as (
       select to_regclass($1)::oid as relid
       union
       select inhrelid from pg_inherits join member on inhparent = relid)
     select hashtextextended(concat_ws(' ', pg_postmaster_start_time(), (select stats_reset from pg_stat_bgwriter)), 0) as seed,
       has_table_privilege(to_regclass($1), 'select')
         and coalesce(bool_and(coalesce(method.amname = 'heap', false)), false) as has
     from member join pg_class as class on class.oid = relid left join pg_am as method on method.oid = class.relam
     where class.relkind <> 'p'`,
    [relation.sql],
  );
  return row?.has ? `'${row.seed}'::bigint` : null;
}
