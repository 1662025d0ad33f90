import type { Kysely, Selectable } from "kysely";
import { sql } from "kysely";
import { ENDS_ITS_PLAN } from "../core/reason-rules.ts";
import type { Window } from "../core/slices.ts";
import { appendSlices, type NewSlice } from "./append-slices.ts";
import { inTransaction } from "./client.ts";
import type { FrozenSettings, PlanEntityTable, PlanSliceTable, PlanTable } from "./plan-tables.ts";
import { type CountedSlice, tableCounts } from "./run-counts.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

export type PlanEntityRow = Selectable<PlanEntityTable>;
export type PlanSliceRow = Selectable<PlanSliceTable>;

export interface Plan extends Selectable<PlanTable> {
  /** In the order in which `sequential` runs them. */
  entities: PlanEntityRow[];
  /** By sliceNo. What a window by part holds is left out. */
  slices: PlanSliceRow[];
}

export interface NewPlanEntity {
  entityKey: string;
  dependsOn: string[];
  spec: object;
  target: object;
  upperBound: string | null;
  cursorVersion: number;
  evidence: Record<string, unknown>;
  /** As in `PlanEntityTable`; absent: null. */
  leadKey?: string | null;
  childOf?: string | null;
  readSpec?: object | null;
  reasonCode: PlanEntityRow["reasonCode"];
  error: string | null;
  slices: NewSlice[];
}

/** Writes the plan and binds the run to it, once: a second call for the same run changes nothing. */
export async function recordPlan(
  db: Executor,
  plan: {
    runId: string;
    rootRunId: string;
    syncId: string;
    configHash: string;
    frozen: FrozenSettings | null;
    entities: NewPlanEntity[];
  },
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const created = await trx
      .insertInto("plans")
      .values({
        ...{ id: plan.runId, rootRunId: plan.rootRunId, syncId: plan.syncId, configHash: plan.configHash },
        ...(plan.frozen === null ? {} : { frozen: JSON.stringify(plan.frozen) }),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst();
    if (!created) return;
    for (const [ordinal, entity] of plan.entities.entries()) {
      await trx
        .insertInto("planEntities")
        .values({ ...entityValues(entity), planId: plan.runId, ordinal })
        .execute();
      await appendSlices(trx, plan.runId, entity);
    }
  });
}

/** An entity that could not be planned before: its row is replaced, its slices come after those that are there. */
export async function replaceFailedEntity(db: Executor, planId: string, entity: NewPlanEntity): Promise<void> {
  await inTransaction(db, async (trx) => {
    const replaced = await trx
      .updateTable("planEntities")
      .set(entityValues(entity))
      .where("planId", "=", planId)
      .where("entityKey", "=", entity.entityKey)
      .where("reasonCode", "is not", null)
      .executeTakeFirst();
    if (replaced.numUpdatedRows > 0n) await appendSlices(trx, planId, entity);
  });
}

function entityValues({ slices: _, spec, target, evidence, readSpec = null, ...entity }: NewPlanEntity) {
  return {
    ...{ leadKey: null, childOf: null, ...entity },
    ...{ spec: JSON.stringify(spec), target: JSON.stringify(target), evidence: JSON.stringify(evidence) },
    readSpec: readSpec === null ? null : JSON.stringify(readSpec),
  };
}

/** Of parts only that they are some: all of them together may hold the names of millions of files. */
const presentWindow = sql<Window>`case when "window" ->> 'by' = 'part' then '{"by":"part","part":{}}' else "window" end`;

export async function readPlan(db: Executor, planId: string): Promise<Plan | null> {
  const plan = await db.selectFrom("plans").selectAll().where("id", "=", planId).executeTakeFirst();
  if (!plan) return null;
  const entities = await db
    .selectFrom("planEntities")
    .selectAll()
    .where("planId", "=", planId)
    .orderBy("ordinal")
    .execute();
  const slices = await db
    .selectFrom("planSlices")
    .select(["planId", "sliceNo", "entityKey", "stage", "label", presentWindow.as("window")])
    .where("planId", "=", planId)
    .orderBy("sliceNo")
    .execute();
  return { ...plan, entities, slices };
}

/**
 * Each entity's spec as the sync's latest plan of it had it; `Spec` is what was recorded.
 * @param within a chain's root, to look at its own plans only; null for all of the sync
 */
export async function readLatestSpecs<Spec>(
  db: Executor,
  { syncId, within }: { syncId: string; within: string | null },
): Promise<Map<string, Spec>> {
  const rows = await db
    .selectFrom("planEntities")
    .innerJoin("plans", "plans.id", "planEntities.planId")
    .distinctOn("planEntities.entityKey")
    .select(["planEntities.entityKey", "planEntities.spec"])
    .where("plans.syncId", "=", syncId)
    .$if(within !== null, (query) => query.where("plans.rootRunId", "=", within))
    .where("planEntities.reasonCode", "is", null)
    .orderBy("planEntities.entityKey")
    .orderBy("plans.createdAt", "desc")
    .$castTo<{ entityKey: string; spec: Spec }>()
    .execute();
  return new Map(rows.map(({ entityKey, spec }) => [entityKey, spec]));
}

/** An entity's cursor has moved, or was set, since the plan started from it, and not by the plan itself. */
const isOvertaken = sql<boolean>`exists (
  select from plan_entities e
  join lateral (
    select version, plan_id from cursor_states
    where sync_id = plans.sync_id and entity_key = e.entity_key order by version desc limit 1) newest on true
  where e.plan_id = plans.id and e.reason_code is null
    and newest.version <> e.cursor_version and newest.plan_id is distinct from plans.id)`;

/** What is planned for one of its entities can never be read to its end. */
const isOfNoUse = sql<boolean>`(
  exists (select from plan_entities e where e.plan_id = plans.id and e.reason_code = any(${ENDS_ITS_PLAN}))
  or exists (select from runs r join run_slices s on s.run_id = r.id
             where r.attempt_root_run_id = plans.root_run_id and r.plan_id = plans.id and s.status = 'failed' and s.reason_code = any(${ENDS_ITS_PLAN})))`;

/**
 * The chain's newest plan, if it may be resumed: same config, its cursors are where it left them, all of it can still be read, and no
 * later chain of the sync has begun since, which may have moved the same tables on.
 */
export async function findResumablePlan(
  db: Executor,
  chain: { rootRunId: string; syncId: string; configHash: string },
): Promise<string | null> {
  const plan = await db
    .selectFrom("plans")
    .select(["id", "configHash"])
    .where("rootRunId", "=", chain.rootRunId)
    .where(sql<boolean>`not ${isOvertaken}`)
    .where(sql<boolean>`not ${isOfNoUse}`)
    .where(sql<boolean>`not exists (select from plans newer
                                    where newer.root_run_id = plans.root_run_id and newer.created_at > plans.created_at)`)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("runs")
            .select("runs.id")
            .where("runs.syncId", "=", chain.syncId)
            .where("runs.attemptRootRunId", "!=", chain.rootRunId)
            .where("runs.startedAt", "is not", null)
            // Not when it was asked for: it may have been queued behind this chain.
            .whereRef("runs.startedAt", ">", "plans.createdAt"),
        ),
      ),
    )
    .orderBy("createdAt", "desc")
    .limit(1)
    .executeTakeFirst();
  return plan?.configHash === chain.configHash ? plan.id : null;
}

/**
 * Other chains of the sync that may have left something beside the tables, since not all of their attempts succeeded. Once this chain
 * has begun, nobody resumes what they had planned: a retry of theirs plans anew (`findResumablePlan`).
 */
export async function findOvertakenChains(
  db: Executor,
  chain: { syncId: string; rootRunId: string },
): Promise<string[]> {
  const { rows } = await sql<{ rootRunId: string }>`
    select distinct root_run_id from plans
    where sync_id = ${chain.syncId} and root_run_id <> ${chain.rootRunId}
      and exists (select from runs where runs.attempt_root_run_id = plans.root_run_id and status <> 'succeeded')`.execute(
    db,
  );
  return rows.map(({ rootRunId }) => rootRunId);
}

/** Null: an older version made the plan. */
export async function readFrozen(db: Executor, planId: string): Promise<FrozenSettings | null> {
  const plan = await db.selectFrom("plans").select("frozen").where("id", "=", planId).executeTakeFirst();
  return plan?.frozen ?? null;
}

/** The next attempt of a chain takes the settings that do not decide the plan, such as guards, as they are when it begins. */
export async function refreshFrozen(
  db: Executor,
  plan: { planId: string; configHash: string; frozen: FrozenSettings },
): Promise<void> {
  await db
    .updateTable("plans")
    .set({ frozen: JSON.stringify(plan.frozen) })
    .where("id", "=", plan.planId)
    .where("configHash", "=", plan.configHash)
    .execute();
}

/** What the ledger has of a slice when an attempt begins. */
interface CommittedSlice extends CountedSlice {
  done: boolean;
}

/**
 * The attempt works on this plan: its slices, with those that earlier attempts finished, become the attempt's own rows. What is
 * committed by then is the earlier attempts', once: the first call for a slice says what the attempt begins from.
 */
export async function bindPlan(
  db: Executor,
  run: { runId: string; planId: string; committed: readonly CommittedSlice[]; replanned: boolean },
): Promise<void> {
  const committed = run.committed.map(({ tables: _, ...slice }) => slice);
  const committedTables = tableCounts(run.committed);
  await inTransaction(db, async (trx) => {
    await sql`
      insert into run_slices (run_id, slice_no, entity_key, label, status, inherited, verification,
                              base_rows_read, base_rows_written, base_rows_rejected, base_rows_deleted)
      select ${run.runId}, p.slice_no, p.entity_key, p.label, case when l.done then 'done' else 'planned' end,
             coalesce(l.done, false), case when l.done then before.verification end,
             coalesce(l."rowsRead", 0), coalesce(l."rowsWritten", 0), coalesce(l."rowsRejected", 0), coalesce(l."rowsDeleted", 0)
      from plan_slices p
      left join jsonb_to_recordset(${JSON.stringify(committed)}::jsonb)
        as l("sliceNo" integer, done boolean, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint, "rowsDeleted" bigint)
        on l."sliceNo" = p.slice_no
      left join runs previous on previous.plan_id = p.plan_id
        and previous.id = (select previous_attempt_run_id from runs where id = ${run.runId})
      left join run_slices before on before.run_id = previous.id and before.slice_no = p.slice_no
      where p.plan_id = ${run.planId}
      on conflict do nothing`.execute(trx);
    await sql`
      insert into run_slice_tables (run_id, slice_no, entity_key, base_rows_read, base_rows_written, base_rows_rejected,
                                    base_rows_deleted)
      select ${run.runId}, p.slice_no, e.entity_key, coalesce(l."rowsRead", 0), coalesce(l."rowsWritten", 0),
             coalesce(l."rowsRejected", 0), coalesce(l."rowsDeleted", 0)
      from plan_slices p
      join plan_entities e on e.plan_id = p.plan_id and coalesce(e.lead_key, e.entity_key) = p.entity_key
      left join jsonb_to_recordset(${JSON.stringify(committedTables)}::jsonb)
        as l("sliceNo" integer, "entityKey" text, "rowsRead" bigint, "rowsWritten" bigint, "rowsRejected" bigint,
             "rowsDeleted" bigint)
        on l."sliceNo" = p.slice_no and l."entityKey" = e.entity_key
      where p.plan_id = ${run.planId} and e.reason_code is null
        and exists (select from plan_entities member where member.plan_id = p.plan_id and member.lead_key = p.entity_key)
      on conflict do nothing`.execute(trx);
    await sql`
      update runs set plan_id = ${run.planId}, updated_at = now(),
             summary = summary || ${run.replanned ? '{"replanned": true}' : "{}"}::jsonb,
             slices_total = (select count(*) from plan_slices where plan_id = ${run.planId})
      where id = ${run.runId} and completed_at is null`.execute(trx);
  });
}

export async function markSwapped(db: Executor, key: { planId: string; entityKey: string }): Promise<void> {
  await db
    .updateTable("planEntities")
    .set({ swappedAt: sql<Date>`coalesce(swapped_at, now())` })
    .where("planId", "=", key.planId)
    .where("entityKey", "=", key.entityKey)
    .execute();
}
