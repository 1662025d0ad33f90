import type { Guards } from "../../core/entity-rules.ts";
import { TerminalError } from "../../core/errors.ts";
import type { FinishRequest } from "../destination.ts";
import { TABLE_SLICES } from "../ledger/slice-tables.ts";
import type { Session } from "../session.ts";

/** What a complete scan would make of a table, as SQL, since most of it is counted only where a guard asks. */
export interface ScanEffect {
  /** `from` clause of the rows that the table has now. */
  present: string;
  /** How many the scan has found, each key once. */
  found: string;
  /** How many of `present` would go; null where only the difference in number can be told. */
  lost: string | null;
  /** The rows that the plan has added are among `present` already; they are not what it had before. */
  inPlace?: boolean;
}

/**
 * Stops a complete scan before anybody sees its result. A table without rows has nothing to guard.
 * @throws TerminalError unexpected_zero_rows, delete_guard_tripped
 */
export async function checkGuards(session: Session, request: FinishRequest, effect: ScanEffect): Promise<void> {
  const { guards } = request;
  if (!guards) return;
  if (guards.zeroRows && (await foundNothing(session, request, effect)) && (await hasRows(session, effect))) {
    throw stopped(
      request,
      "unexpected_zero_rows",
      "the source gave none that could be loaded, and guards.zeroRows is on",
    );
  }
  if (guards.maxDeleteShare === null && guards.maxRowsFactor === null && guards.minRowsFactor === null) return;
  const counts = await countRows(session, request, effect);
  const why = counts.present === 0 ? null : whyStopped(guards, counts);
  if (why !== null) throw stopped(request, "delete_guard_tripped", why);
}

interface Counts {
  present: number;
  found: number;
  lost: number;
}

function whyStopped(guards: Guards, { present, found, lost }: Counts): string | null {
  const { maxDeleteShare, maxRowsFactor, minRowsFactor } = guards;
  if (maxDeleteShare !== null && lost / present > maxDeleteShare) {
    return `${lost} of its ${present} would go, more than guards.maxDeleteShare (${maxDeleteShare})`;
  }
  if (maxRowsFactor !== null && found / present > maxRowsFactor) {
    return `the source gave ${found} where it has ${present}, more than guards.maxRowsFactor (${maxRowsFactor})`;
  }
  if (minRowsFactor !== null && found / present < minRowsFactor) {
    return `the source gave ${found} where it has ${present}, fewer than guards.minRowsFactor (${minRowsFactor})`;
  }
  return null;
}

/**
 * The ledger knows, and no table is looked at. But it counts a row among the rejected that only lost a value and is loaded: where there may
 * be such rows, those that were found are counted.
 */
async function foundNothing(
  { client }: Session,
  { planId, entityKey, target }: FinishRequest,
  { found }: ScanEffect,
): Promise<boolean> {
  const { rows } = await client.query<{ nothing: boolean }>(
    `select coalesce(sum(rows_read - rows_rejected), 0) <= 0 as nothing
     from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2`,
    [planId, entityKey],
  );
  const nothing = rows[0]?.nothing ?? true;
  if (!nothing || target.discards?.lossyValueCosts !== "value") return nothing;
  const { rows: counted } = await client.query<{ nothing: boolean }>(`select (${found}) = 0 as nothing`);
  return counted[0]?.nothing ?? true;
}

async function hasRows({ client }: Session, { present }: ScanEffect): Promise<boolean> {
  const { rowCount } = await client.query(`select ${present} limit 1`);
  return rowCount !== 0;
}

async function countRows(
  { client }: Session,
  { planId, entityKey }: FinishRequest,
  { present, found, lost, inPlace = false }: ScanEffect,
): Promise<Counts> {
  const { rows } = await client.query<Record<keyof Counts, string>>(
    `with plan as (
       select coalesce(sum(rows_inserted) filter (where $3), 0) as added
       from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2),
     counted as (select (select count(*) ${present}) - added as present, (${found}) as found from plan)
     select present, found, ${lost === null ? "greatest(present - found, 0)" : `(${lost})`} as lost from counted`,
    [planId, entityKey, inPlace],
  );
  const [counts] = rows;
  return { present: Number(counts?.present), found: Number(counts?.found), lost: Number(counts?.lost) };
}

function stopped(
  { target, entityKey }: FinishRequest,
  reasonCode: "unexpected_zero_rows" | "delete_guard_tripped",
  why: string,
): TerminalError {
  return new TerminalError(reasonCode, `${target.schema}.${target.table} keeps its rows: of ${entityKey} ${why}.`, {
    fix: 'Look at the source. If it is right, retry the run with {"liftGuards": true}, which reads nothing again, or change the guard.',
  });
}
