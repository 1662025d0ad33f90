import { randomUUID } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import { slugify } from "../../core/naming.ts";
import { recordAudit } from "../../db/audit.ts";
import { saveBindings } from "../../db/bindings.ts";
import { type Db, inTransaction } from "../../db/client.ts";
import { type ConnectionRow, findConnection, lockConnection } from "../../db/connections.ts";
import { violatesUnique } from "../../db/pg-errors.ts";
import { findSync, insertSync, type SyncWithBindings, takenSlugs } from "../../db/syncs.ts";
import { type SyncDefinition, settleDefinition } from "../definitions/sync-definition.ts";
import { holdDestination } from "../definitions/sync-destination.ts";
import { dispatch } from "../deliver.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { invalidValue } from "../errors.ts";
import { presentSync } from "../present.ts";
import { requireProvider, requireSync } from "../require.ts";
import type { CreateSyncBody } from "../schemas/syncs.ts";
import { startOnCreate } from "./first-activation.ts";

const MAX_SLUG_LENGTH = 63;
/** Each turn means that somebody took the slug between our look and our insert. */
const SLUG_TURNS = 20;

/**
 * @param request.id of the new sync; the same again for the same request, which finds what was made then
 * @throws AppError validation_failed, provider_not_available, slug_taken, and what activation's check throws
 */
export async function createSync(
  deps: Pick<ApiDeps, "db" | "control" | "findProvider">,
  request: { id: string; body: CreateSyncBody; caller: Caller },
): Promise<SyncWithBindings> {
  const { id, body, caller } = request;
  const made = await findSync(deps.db, id);
  if (made) return made;
  const connection = await findConnection(deps.db, body.connectionId);
  if (!connection) throw noConnection(body.connectionId);
  const definition = await settleDefinition(deps, {
    syncId: null,
    connection,
    provider: requireProvider(deps, connection.provider),
    status: body.status,
    proofBlame: body.status === "active" ? ["body", "status"] : null,
    entities: body.entities,
    entitiesNamed: body.entities !== undefined,
    sourceConfig: body.sourceConfig ?? {},
    destinationConfig: body.destinationConfig ?? {},
    destinationGiven: body.destinationConfig !== undefined,
    bindings: body.tableBindings ?? [],
    existing: [],
    trigger: { mode: body.triggerMode, scheduled: Boolean(body.schedule), given: body.schedule },
    blame: ["body", ...(["tableBindings", "destinationConfig"] as const).filter((field) => body[field]).slice(0, 1)],
  });
  const isActive = body.status === "active";
  let startedRunId: string | null = null;
  const created = await insertUnderFreeSlug(deps.db, body, (slug) =>
    inTransaction(deps.db, async (trx) => {
      if (!(await lockConnection(trx, connection.id, "share"))) throw noConnection(connection.id);
      await holdDestination(trx, body.destinationConfig ?? {});
      const isNew = await insertSync(trx, {
        ...columnsOf(body, connection, definition, caller.actor),
        id,
        slug,
        taskSlug: taskSlug(slug, id),
        firstActivatedAt: isActive ? new Date() : null,
      });
      // The same request, answered by somebody else in the meantime.
      if (!isNew) return requireSync({ db: trx }, id);
      await saveBindings(trx, id, definition.bindings);
      const sync = await requireSync({ db: trx }, id);
      await recordAudit(trx, {
        ...caller,
        action: "sync.create",
        subjectType: "sync",
        subjectId: id,
        before: null,
        after: presentSync(sync),
      });
      if (isActive) startedRunId = await startOnCreate(trx, sync, { runId: randomUUID(), caller });
      return sync;
    }),
  );
  if (startedRunId !== null) await dispatch(deps, startedRunId);
  return created;
}

function columnsOf(body: CreateSyncBody, connection: ConnectionRow, definition: SyncDefinition, actor: string) {
  return {
    name: body.name,
    connectionId: connection.id,
    providerKey: connection.provider,
    status: body.status,
    triggerMode: body.triggerMode,
    schedule: body.schedule ? JSON.stringify(body.schedule) : null,
    entities: definition.entities,
    sourceConfig: JSON.stringify(definition.sourceConfig),
    destinationConfig: JSON.stringify(body.destinationConfig ?? {}),
    executionBackend: body.executionBackend,
    executionMode: body.executionMode,
    executionConfig: JSON.stringify(body.executionConfig ?? {}),
    freshnessSlaSeconds: body.freshnessSlaSeconds ?? null,
    createdBy: actor,
    updatedBy: actor,
  };
}

/** A given slug is taken as it is; a derived one gets `-2`, `-3`, ... until it is free. */
async function insertUnderFreeSlug<T>(
  db: Db,
  { slug: given, name }: Pick<CreateSyncBody, "slug" | "name">,
  insert: (slug: string) => Promise<T>,
): Promise<T> {
  for (let turn = 0; turn < SLUG_TURNS; turn++) {
    const slug = given ?? (await freeSlug(db, slugify(name)));
    try {
      return await insert(slug);
    } catch (error) {
      if (!violatesUnique(error, "syncs_slug")) throw error;
      if (given) throw slugTaken(given, error);
    }
  }
  throw new AppError(
    "database_unavailable",
    "No free slug could be had: many syncs of this name are being made. Try again.",
  );
}

export function slugTaken(slug: string, cause: unknown): AppError {
  return new AppError("slug_taken", `Slug ${slug} belongs to another sync.`, { extra: { slug }, cause });
}

/** `base`, or the first free of `base-2` to `base-100`; after that many, one that nobody else comes to. */
async function freeSlug(db: Db, base: string): Promise<string> {
  const candidates = [base, ...Array.from({ length: 99 }, (_, index) => withTail(base, `-${index + 2}`))];
  const taken = await takenSlugs(db, candidates);
  return candidates.find((slug) => !taken.has(slug)) ?? withTail(base, `-${randomUUID().slice(0, 8)}`);
}

function withTail(base: string, tail: string): string {
  return base.slice(0, MAX_SLUG_LENGTH - tail.length).replace(/-+$/, "") + tail;
}

/** The name under which a backend knows the sync; never changes, so it carries a part of the id. */
function taskSlug(slug: string, id: string): string {
  return `sync-${slug}-${id.slice(0, 8)}`;
}

function noConnection(id: string): AppError {
  return invalidValue(["body", "connectionId"], `Connection ${id} does not exist`);
}
