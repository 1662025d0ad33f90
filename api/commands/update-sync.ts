import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type ValidationIssue } from "../../core/errors.ts";
import { mayChangeStatus } from "../../core/sync-lifecycle.ts";
import { recordAudit } from "../../db/audit.ts";
import { listBindings, saveBindings } from "../../db/bindings.ts";
import { inTransaction } from "../../db/client.ts";
import { violatesUnique } from "../../db/pg-errors.ts";
import type { RunRow } from "../../db/runs.ts";
import { lockSync, type SyncPatch, type SyncWithBindings, updateSync as update } from "../../db/syncs.ts";
import { type SyncDefinition, settleDefinition } from "../definitions/sync-definition.ts";
import { destinationOf, holdDestination } from "../definitions/sync-destination.ts";
import { deliverCancels, dispatch } from "../deliver.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound } from "../errors.ts";
import { presentSync } from "../present.ts";
import { requireConnection, requireProvider, requireSync } from "../require.ts";
import type { UpdateSyncBody } from "../schemas/syncs.ts";
import { cancelRunsOfSync } from "./cancel-run.ts";
import { slugTaken } from "./create-sync.ts";
import { startOnCreate } from "./first-activation.ts";

type Deps = Pick<ApiDeps, "db" | "control" | "findProvider">;
type Edit = { id: string; body: UpdateSyncBody; caller: Caller };

/** How long others may go on editing the sync while the source is asked about an edit. */
const PATIENCE_MS = 60_000;
/** Chance gives everybody a turn sooner than haste does. */
const MOST_PAUSE_MS = 50;
/** Fields that have to fit each other and the source, the likeliest culprit first. */
const DEFINING = [
  "tableBindings",
  "destinationConfig",
  "entities",
  "sourceConfig",
  "schedule",
  "triggerMode",
  "status",
] as const;

/** Of these, what every run reads and where it loads it: where the sync is in use, the source is asked whether that is possible. */
const PROVED = ["tableBindings", "destinationConfig", "entities", "sourceConfig"] as const;

/**
 * Absent fields stay, `null` resets. All or nothing.
 * @throws AppError not_found, validation_failed, invalid_status_change, slug_taken, binding_frozen, and what
 *   activation's check throws
 */
export async function updateSync(deps: Deps, edit: Edit): Promise<SyncWithBindings> {
  if (Object.keys(edit.body).length === 0) return requireSync(deps, edit.id);
  const { cancelled, startedRunId } = mayAskSource(edit.body)
    ? await editUnlocked(deps, edit)
    : await editLocked(deps, edit);
  await deliverCancels(deps, cancelled);
  if (startedRunId !== null) await dispatch(deps, startedRunId);
  return requireSync(deps, edit.id);
}

/** What an edit has done to runs, to be told to Temporal once it is committed. */
interface Edited {
  /** They were asked to stop. */
  cancelled: RunRow[];
  startedRunId: string | null;
}

const NO_RUNS: Edited = { cancelled: [], startedRunId: null };

/** One edit after the other. */
function editLocked(deps: Deps, edit: Edit): Promise<Edited> {
  return inTransaction(deps.db, async (trx) => {
    const sync = await lockSync(trx, edit.id);
    if (!sync) throw notFound("Sync", edit.id);
    return (await applyEdit({ ...deps, db: trx }, edit, sync)) ?? NO_RUNS;
  });
}

/** The source is asked, which takes seconds: the sync is not locked meanwhile, and what somebody else changes counts anew. */
async function editUnlocked(deps: Deps, edit: Edit): Promise<Edited> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const edited = await applyEdit(deps, edit, await requireSync(deps, edit.id));
    if (edited !== null) return edited;
    if (Date.now() > deadline) break;
    await sleep(Math.random() * MOST_PAUSE_MS);
  }
  throw new AppError("database_unavailable", `Sync ${edit.id} is being edited by others all the time. Try again.`);
}

/** @returns null when the sync has changed meanwhile */
async function applyEdit(deps: Deps, edit: Edit, sync: SyncWithBindings): Promise<Edited | null> {
  const { body, caller } = edit;
  const status = body.status ?? sync.status;
  if (body.status !== undefined && !mayChangeStatus(sync.status, body.status)) {
    throw new AppError("invalid_status_change", `A sync that is ${sync.status} cannot become ${body.status}.`, {
      extra: { status: sync.status },
    });
  }
  const definition = definesAnew(sync, body) ? await redefine(deps, sync, body) : null;
  // A run may set the status meanwhile: what the body does not name stays as it is by then.
  const named = body.status === undefined ? {} : { status };
  const isFirst = body.status === "active" && sync.firstActivatedAt === null;
  const activated = isFirst ? { firstActivatedAt: new Date() } : {};
  const patch: SyncPatch = { ...plainColumns(body), ...named, ...activated, updatedBy: caller.actor };
  if (definition) {
    patch.entities = definition.entities;
    patch.sourceConfig = JSON.stringify(definition.sourceConfig);
  }
  try {
    return await inTransaction(deps.db, async (trx) => {
      const after = await update(trx, sync, patch);
      if (after === null) return null;
      if (body.destinationConfig) await holdDestination(trx, body.destinationConfig);
      if (definition) await saveBindings(trx, sync.id, definition.bindings);
      await recordAudit(trx, {
        ...caller,
        action: "sync.update",
        subjectType: "sync",
        subjectId: sync.id,
        before: presentSync(sync),
        after: presentSync(await requireSync({ db: trx }, sync.id)),
      });
      if (isFirst) {
        return { ...NO_RUNS, startedRunId: await startOnCreate(trx, after, { runId: randomUUID(), caller }) };
      }
      if (status !== "archived" || sync.status === "archived") return NO_RUNS;
      const reason = "The sync was archived.";
      return { ...NO_RUNS, cancelled: await cancelRunsOfSync(trx, { syncId: sync.id, caller, reason }) };
    });
  } catch (error) {
    if (body.slug !== undefined && violatesUnique(error, "syncs_slug")) throw slugTaken(body.slug, error);
    throw error;
  }
}

async function redefine(deps: Deps, sync: SyncWithBindings, body: UpdateSyncBody): Promise<SyncDefinition> {
  const connection = await requireConnection(deps, sync.connectionId);
  const provider = requireProvider(deps, connection.provider);
  const destinationConfig =
    body.destinationConfig === undefined ? sync.destinationConfig : (body.destinationConfig ?? {});
  const [before, after] = [destinationOf(sync.destinationConfig, provider), destinationOf(destinationConfig, provider)];
  // Those of entities that were taken out are still there if their tables are.
  const existing = await listBindings(deps.db, [sync.id]);
  const frozen = existing.find((binding) => binding.frozenAt !== null);
  if (frozen && (before.schema !== after.schema || before.connectionId !== after.connectionId)) {
    throw new AppError(
      "binding_frozen",
      `'${frozen.entityKey}' is already loaded into ${before.schema}.${frozen.physicalTableName}; the destination cannot change any more.`,
      { extra: { entityKey: frozen.entityKey, physicalTableName: frozen.physicalTableName } },
    );
  }
  return settleDefinition(deps, {
    syncId: sync.id,
    connection,
    provider,
    status: body.status ?? sync.status,
    proofBlame: proofBlameOf(sync, body),
    entities: body.entities ?? sync.entities,
    entitiesNamed: body.entities !== undefined,
    sourceConfig: body.sourceConfig === undefined ? sync.sourceConfig : (body.sourceConfig ?? {}),
    destinationConfig,
    destinationGiven: body.destinationConfig !== undefined,
    bindings: body.tableBindings === null ? [] : body.tableBindings,
    existing,
    trigger: {
      mode: body.triggerMode ?? sync.triggerMode,
      scheduled: (body.schedule === undefined ? sync.schedule : body.schedule) !== null,
      given: body.schedule,
    },
    blame: blameOf(body),
  });
}

function blameOf(body: UpdateSyncBody): ValidationIssue["loc"] {
  return ["body", ...DEFINING.filter((field) => body[field] !== undefined).slice(0, 1)];
}

/** Whoever edits a sync in `error` mends it: its runs would meet what is wrong with the edit. */
function proofBlameOf({ status }: SyncWithBindings, body: UpdateSyncBody): ValidationIssue["loc"] | null {
  if (body.status === "active") return ["body", "status"];
  const isInUse = body.status === undefined && (status === "active" || status === "error");
  return isInUse && changesWhatIsLoaded(body) ? blameOf(body) : null;
}

function changesWhatIsLoaded(body: UpdateSyncBody): boolean {
  return PROVED.some((field) => body[field] !== undefined);
}

/** By the body alone: what the sync is, and so whether the source is asked, may change until it is locked. */
function mayAskSource(body: UpdateSyncBody): boolean {
  return body.status === "active" || (body.status === undefined && changesWhatIsLoaded(body));
}

/** Pausing and archiving always work, whatever has become of the definition: only what brings a sync into use is proved. */
function definesAnew(sync: SyncWithBindings, { status, ...fields }: UpdateSyncBody): boolean {
  if (DEFINING.some((field) => field !== "status" && fields[field] !== undefined)) return true;
  if (status === undefined || status === sync.status) return false;
  return status === "active" || (status === "paused" && (sync.status === "draft" || sync.status === "archived"));
}

/** The columns that hold what the body says as it says it. */
function plainColumns(body: UpdateSyncBody): SyncPatch {
  const columns: SyncPatch = {};
  if (body.name !== undefined) columns.name = body.name;
  if (body.slug !== undefined) columns.slug = body.slug;
  if (body.triggerMode !== undefined) columns.triggerMode = body.triggerMode;
  if (body.executionBackend !== undefined) columns.executionBackend = body.executionBackend;
  if (body.executionMode !== undefined) columns.executionMode = body.executionMode;
  if (body.freshnessSlaSeconds !== undefined) columns.freshnessSlaSeconds = body.freshnessSlaSeconds;
  if (body.schedule !== undefined) columns.schedule = body.schedule === null ? null : JSON.stringify(body.schedule);
  if (body.executionConfig !== undefined) columns.executionConfig = JSON.stringify(body.executionConfig ?? {});
  if (body.destinationConfig !== undefined) columns.destinationConfig = JSON.stringify(body.destinationConfig ?? {});
  return columns;
}
