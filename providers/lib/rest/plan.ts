import type { EntityPlan, EntityReadSpec, PlanRequest } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import { isObject, type JsonValue } from "../http/json.ts";
import { afterInitial, type Cursor, cursorOf, lookbackMs, roundDown } from "./cursor.ts";
import { checkDeclared, checkNested } from "./declared-check.ts";
import { type PlannedMember, planMembers, specOfMember } from "./members.ts";
import { boundByNumbers } from "./number-windows.ts";
import { omissionOf } from "./omit.ts";
import type { TakenRecords } from "./page-records.ts";
import { type ReadContext, readPages, type Take } from "./pages.ts";
import { planWindow } from "./plan-window.ts";
import { type RecordPage, START } from "./position.ts";
import type { ReadSpec } from "./read-spec.ts";
import { columnsOf } from "./record-shape.ts";
import type { Resource, Resources } from "./resources.ts";
import { wantedOf } from "./sample.ts";
import { checkSample } from "./sample-check.ts";
import { type FoundShape, onlyColumns, type Shapes } from "./shapes.ts";
import { hasSign } from "./sign.ts";
import { spanOf } from "./steps.ts";
import { cutWindows, isoOf, labelOf, openWindow, type TimeWindow } from "./windows.ts";

/** By how much a worker's clock is mistrusted where the source shows none of its own. */
const CLOCK_DOUBT_MS = 15 * 60_000;

/** The bound is a clock's, which says nothing of the values that rows will get: see `Checkpoint`. */
const FOLLOWS = { cursorFollows: "rows" } as const;

interface PlanningSource {
  client: HttpClient;
  resources: Resources;
  shapes: Shapes;
}

export async function planEntity(source: PlanningSource, request: PlanRequest): Promise<EntityPlan> {
  const resource = source.resources.get(request.entityKey);
  return boundByNumbers(await planResource(source, resource, request), request, resource);
}

async function planResource(source: PlanningSource, resource: Resource, request: PlanRequest): Promise<EntityPlan> {
  if (resource.nested !== undefined) throw new Error(`${resource.name} is read with ${resource.nested.resource}.`);
  const whole = await source.shapes.find(resource);
  const members = await planMembers(source, resource, request);
  const found = onlyColumns(whole, request.columns);
  const cursor = cursorOf(resource, found, request);
  const first = await readFirstPage(source, resource, cursor);
  const absent = checkFirstRecords(resource, { found, members }, first);
  // A source's clock that runs ahead would take the cursor beyond rows that are still to come.
  const now = Math.min(first?.answeredAt ?? Date.now() - CLOCK_DOUBT_MS, Date.now());
  const omission = omissionOf(resource.choice, whole.shape);
  const reading = { now, ...(omission === null ? {} : { omission }) };
  const spec = specOf(resource, { found, members }, request, reading);
  const evidence = {
    clock: first?.answeredAt == null ? "worker" : "source",
    firstPage: first?.taken.count ?? 0,
    more: first !== null && first.next !== null,
    ...(absent.length === 0 ? {} : { absentColumns: absent }),
  };
  if (request.between !== null)
    return planWindow(resource.provider, spec, { request, between: request.between, cursor, now, evidence });
  if (cursor === null) return planFull(spec, { request, cursor, bound: null, evidence });

  const lagMs = (request.safetyLagSeconds ?? cursor.incremental.safetyLagSeconds) * 1_000;
  // No answer came of which the clock could be read: the cursor stays where it is.
  const reached = roundDown(now - lagMs, cursor);
  const bound = first === null ? cursor.state : Math.max(reached, cursor.state ?? Number.NEGATIVE_INFINITY);
  const moving = bound === null ? spec : specOf(resource, { found, members }, request, { ...reading, bound });
  return cursor.state === null
    ? planFull(moving, { request, cursor, bound, evidence: { ...evidence, ...FOLLOWS } })
    : planIncremental(moving, { request, cursor, bound, evidence: { ...evidence, ...FOLLOWS, ...emptiness(first) } });
}

interface Planning {
  request: PlanRequest;
  bound: number | null;
  evidence: Record<string, unknown>;
}

function planFull(spec: EntityReadSpec, planning: Planning & { cursor: Cursor | null }): EntityPlan {
  const { request, cursor, bound, evidence } = planning;
  const catchUp =
    request.catchUp && cursor !== null && bound !== null
      ? [openWindow(cursor.column, afterInitial(bound - lookbackMs(request, cursor.incremental), cursor.incremental))]
      : [];
  const windows =
    cursor?.hasWindows && !request.removes && cursor.from !== null && bound !== null
      ? windowsOf(cursor, cursor.from, bound, request, request.maxSlices - catchUp.length)
      : [];
  const slices: EntityPlan["slices"] =
    windows.length === 0 ? [{ stage: 0, window: { by: "none" }, label: "1/1" }] : windows.map(toSlice);
  return {
    spec,
    slices: [...slices, ...catchUp.map((window) => ({ stage: 1 as const, window, label: "catch-up" }))],
    upperBound: bound === null ? null : isoOf(bound),
    evidence: { by: windows.length === 0 ? "none" : "time", ...evidence },
  };
}

function planIncremental(
  spec: EntityReadSpec,
  { request, cursor, bound, evidence }: Planning & { cursor: Cursor },
): EntityPlan {
  const { column, from } = cursor;
  const to = bound === null ? null : isoOf(bound);
  const said = { by: "cursor", column, from: from === null ? null : isoOf(from), to, ...evidence };
  if (("count" in evidence && !request.removes) || from === null || bound === null) {
    return { spec, slices: [], upperBound: to, evidence: said };
  }
  const windows = cursor.hasWindows
    ? windowsOf(cursor, from, bound, request, request.maxSlices)
    : [openWindow(column, from)];
  return { spec, slices: windows.map(toSlice), upperBound: to, evidence: said };
}

function windowsOf(
  { column, state, incremental }: Cursor,
  from: number,
  bound: number,
  { windowSize }: PlanRequest,
  maxWindows: number,
): TimeWindow[] {
  return cutWindows(column, { from, state, bound }, { windowSize, maxWindows, incremental });
}

function toSlice(window: TimeWindow): EntityPlan["slices"][number] {
  return { stage: 0, window, label: labelOf(window) };
}

type FirstPage = RecordPage<TakenRecords>;

/** Of the first page, to hold the declaration against. */
const MOST_CHECKED = 1000;

/**
 * Proves that the source can be read and shows its clock, before anything else is. Null where there is not even a page, for
 * want of parents.
 */
async function readFirstPage(
  { client, resources }: PlanningSource,
  resource: Resource,
  cursor: Cursor | null,
): Promise<FirstPage | null> {
  const context: ReadContext = { client, resources, now: Date.now(), mayRestart: true, demand: "nothing" };
  const all = spanOf({ by: "none" }, resource.incremental);
  const span = cursor?.from == null ? all : { from: cursor.from, to: null };
  const take: Take<TakenRecords> = (page, view) => page.take(view, wantedOf(resource, MOST_CHECKED));
  for await (const page of readPages(context, resource, span, START, take)) return page;
  return null;
}

/** @returns columns that a connector declares and that no record has */
function checkFirstRecords(
  resource: Resource,
  { found: { shape, isNew }, members }: { found: FoundShape; members: readonly PlannedMember[] },
  first: FirstPage | null,
): string[] {
  // A record that is deleted may have its key alone.
  const isThere = (record: JsonValue) => resource.deleted === undefined || !hasSign(record, resource.deleted);
  const records = first?.taken.records.filter((record) => isObject(record)).filter(isThere) ?? [];
  for (const { resource: child } of members) checkNested(child, records);
  if (resource.declared !== undefined) return checkDeclared(resource, shape, records);
  if (isNew) checkSample(resource, records, shape);
  return [];
}

/** Nothing on the only page, or no parent: then there is nothing new. */
function emptiness(first: FirstPage | null): { count?: 0 } {
  return first === null || (first.taken.count === 0 && first.next === null) ? { count: 0 } : {};
}

function specOf(
  resource: Resource,
  { found: { shape, rowBytes }, members }: { found: FoundShape; members: readonly PlannedMember[] },
  request: PlanRequest,
  reading: Omit<ReadSpec, "shape" | "removes">,
): EntityReadSpec {
  return {
    entityKey: resource.name,
    columns: columnsOf(shape, resource.primaryKey),
    keyColumns: request.keyColumns,
    cursorField: request.cursorField,
    estimatedRowBytes: rowBytes,
    source: { shape, removes: request.removes, ...reading },
    ...(request.members === undefined ? {} : { members: members.map((member) => specOfMember(member, reading.now)) }),
    ...(request.isStored === false ? { isStored: false } : {}),
  };
}
