import { isDeepStrictEqual } from "node:util";
import { type Kysely, type Selectable, sql } from "kysely";
import type { AuditSubject } from "../core/vocabulary.ts";
import { bytesOf, inOrderOf, itemsWithTotal, type Page } from "./page.ts";
import type { AuditEventTable, Database } from "./schema.ts";

/** Who wrote what. Only ever added to; retention removes what is old. */

export type AuditEventRow = Selectable<AuditEventTable>;

type Executor = Kysely<Database>;

export interface AuditEntry {
  /** `key:<name>` or `user:<sub>`. */
  actor: string;
  /** Null where no request was behind it. */
  requestId: string | null;
  /** `<subject>.<verb>`, such as `sync.update`. */
  action: `${AuditSubject}.${string}`;
  subjectType: AuditSubject;
  /** Of `state`: the sync's. */
  subjectId: string;
  /** As the API answers it, which never holds a secret; null for what did not exist. */
  before: object | null;
  /** Likewise; null for what is gone. */
  after: object | null;
}

/** Call it in the transaction that makes the change. Of an edit, only the fields that differ are kept. */
export async function recordAudit(trx: Executor, { before, after, ...entry }: AuditEntry): Promise<void> {
  const [old, young] = before && after ? differences(before, after) : [before, after];
  await trx
    .insertInto("auditEvents")
    .values({ ...entry, before: old && JSON.stringify(old), after: young && JSON.stringify(young) })
    .execute();
}

export interface AuditFilter {
  /** Empty: whatever the subject. */
  subjectId: string[];
  actor: string | null;
  /** Inclusive. */
  since: Date | null;
  limit: number;
  offset: number;
}

/** Newest first. */
export async function listAuditEvents(db: Executor, filter: AuditFilter): Promise<Page<AuditEventRow, number>> {
  let matching = db.selectFrom("auditEvents");
  if (filter.subjectId.length > 0) matching = matching.where("subjectId", "in", filter.subjectId);
  if (filter.actor !== null) matching = matching.where("actor", "=", filter.actor);
  if (filter.since !== null) matching = matching.where(sql<boolean>`at >= ${filter.since}`);
  const count = matching.select((eb) => eb.fn.countAll<number>().as("total"));
  const listed = matching
    .select(["id", bytesOf("audit_events").as("bytes")])
    .orderBy("id", "desc")
    .limit(filter.limit)
    .offset(filter.offset);
  return { ...(await itemsWithTotal(listed, count, filter.offset)), read: (ids) => readAuditEvents(db, ids) };
}

async function readAuditEvents(db: Executor, ids: readonly number[]): Promise<AuditEventRow[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("auditEvents").selectAll().where("id", "in", ids).execute();
  return inOrderOf(ids, rows, (row) => row.id);
}

function differences(before: object, after: object): [before: object, after: object] {
  const [old, young] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const differs = ([key]: [string, unknown]) => !isDeepStrictEqual(old.get(key), young.get(key));
  return [Object.fromEntries([...old].filter(differs)), Object.fromEntries([...young].filter(differs))];
}
