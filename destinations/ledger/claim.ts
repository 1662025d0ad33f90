import { TransientError } from "../../core/errors.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { SliceRequest } from "../destination.ts";
import { SupersededError } from "../load/writer-errors.ts";
import { inTransaction, type Session } from "../session.ts";
import { allowTimeFor } from "../statement-time.ts";
import { TERMINATE_WITHIN_MS } from "./fence.ts";
import { holdChain } from "./ledger.ts";
import { ensureLedger } from "./ledger-versions.ts";
import { dropUncommitted } from "./rejects.ts";

export interface SliceClaim {
  /** Goes up with each claim; whoever commits must hold the latest. */
  fence: string;
  checkpoint: Checkpoint;
  done: boolean;
  /** So far, over all claims. */
  rowsRead: number;
}

/** Claimants of one slice at the same moment; each gives way to the next. */
const MOST_CLAIMANTS = 10;

/**
 * Ends the session of whoever held the slice, then takes it over for this session. The holder's open transaction has to
 * go first: it holds the ledger's row and rows of the table.
 */
export async function claimSlice(session: Session, request: SliceRequest): Promise<SliceClaim> {
  // The plan may have been made by a worker that knows an older ledger.
  await ensureLedger(session);
  for (let tries = 0; tries < MOST_CLAIMANTS; tries++) {
    const holder = await endHolder(session, request);
    const take = async (): Promise<SliceClaim | null> => {
      await holdChain(session, request.chain);
      const taken = await takeOver(session, request, holder);
      if (taken === null) return null;
      await addTables(session, request);
      await dropUncommitted(session, request, taken.rowsRead);
      return taken;
    };
    const claim = await inTransaction(session, take, "claim");
    if (claim === null) continue;
    // Merges, replaced windows and comparisons go over the table; the session is the slice's alone.
    const targets = [request.target, ...(request.members ?? []).map(({ target }) => target)];
    const tables = targets.flatMap(({ schema, table, leafSchema, leafTable }) => [
      { schema, table },
      { schema: leafSchema, table: leafTable },
    ]);
    await allowTimeFor(session, tables, "session");
    // What the default of every row's `_sluice_run_id` reads.
    await session.client.query("select set_config('sluice.run_id', $1, false)", [request.runId]);
    return claim;
  }
  throw new TransientError("destination_lock_conflict", `Slice ${request.sliceNo} is claimed by too many at once.`);
}

interface Holder {
  pid: number;
  startedAt: string;
}

/** Only the chain's present attempt may end another's session: an old one that wakes up leaves its successor alone. */
async function endHolder({ client }: Session, request: SliceRequest): Promise<Holder | null> {
  const { rows } = await client.query<Holder & { superseded: boolean }>(
    `select s.backend_pid as pid, s.backend_start::text as "startedAt",
            s.attempt > $3 or coalesce(c.min_attempt > $3, false) as superseded
     from _sluice.slices s left join _sluice.chains c using (root_run_id)
     where s.plan_id = $1 and s.slice_no = $2`,
    [request.planId, request.sliceNo, request.chain.attempt],
  );
  const [holder] = rows;
  if (holder === undefined) return null;
  if (holder.superseded) throw superseded(request);
  const backend = [holder.pid, holder.startedAt];
  await client.query(
    `select pg_terminate_backend(pid, $3) from pg_stat_activity
     where pid = $1 and backend_start = $2::timestamptz and pid <> pg_backend_pid()`,
    [...backend, TERMINATE_WITHIN_MS],
  );
  const { rowCount } = await client.query(
    "select from pg_stat_activity where pid = $1 and backend_start = $2::timestamptz",
    backend,
  );
  if (rowCount !== 0) {
    throw new TransientError(
      "destination_lock_conflict",
      `The session that held slice ${request.sliceNo} (pid ${holder.pid}) does not end.`,
    );
  }
  return holder;
}

/** @returns null when another claim came between: its session has to be ended first */
async function takeOver(session: Session, request: SliceRequest, holder: Holder | null): Promise<SliceClaim | null> {
  const { rows } = await session.client.query<Omit<SliceClaim, "rowsRead"> & { rowsRead: string }>(
    `insert into _sluice.slices as s
       (plan_id, slice_no, root_run_id, entity_key, attempt, backend_pid, backend_start)
     values ($1, $2, $3, $4, $5, $6, $7::timestamptz)
     on conflict (plan_id, slice_no) do update set
       fence = s.fence + 1, attempt = excluded.attempt, backend_pid = excluded.backend_pid,
       backend_start = excluded.backend_start, updated_at = now()
     where s.backend_pid = $8 and s.backend_start = $9::timestamptz
     returning fence, checkpoint, done, rows_read as "rowsRead"`,
    [
      ...[request.planId, request.sliceNo, request.chain.rootRunId, request.entityKey, request.chain.attempt],
      ...[session.pid, session.startedAt, holder?.pid ?? null, holder?.startedAt ?? null],
    ],
  );
  const [claim] = rows;
  return claim === undefined ? null : { ...claim, rowsRead: Number(claim.rowsRead) };
}

/** From here on the ledger counts each table of the slice by itself, those included that no row comes for. */
async function addTables({ client }: Session, { planId, sliceNo, entityKey, members }: SliceRequest): Promise<void> {
  if (members === undefined) return;
  await client.query(
    `insert into _sluice.slice_tables (plan_id, slice_no, entity_key)
     select $1, $2, entity_key from unnest($3::text[]) as member (entity_key) on conflict do nothing`,
    [planId, sliceNo, [entityKey, ...members.map((member) => member.entityKey)]],
  );
}

function superseded({ sliceNo, chain }: SliceRequest): SupersededError {
  return new SupersededError(`Slice ${sliceNo} has gone on without attempt ${chain.attempt}.`);
}
