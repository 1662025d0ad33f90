import type { Window } from "../../../core/slices.ts";
import type { EntityPlan, EntityReadSpec, PlanRequest } from "../../provider.ts";
import { parseDuration } from "../rest/time-format.ts";
import { isoOf, openWindow } from "../rest/windows.ts";
import type { GraphqlDeclaration, GraphqlResource } from "./declaration.ts";
import type { Engine } from "./engine.ts";
import type { FollowUps } from "./follow-ups.ts";

interface Planning {
  declaration: Pick<GraphqlDeclaration<never, never>, "resources" | "exports">;
  engine: Engine;
  followUps: FollowUps;
  canExport: boolean;
}

/** The engine's plan, which also looks for deletions, and says whether an export job reads the long slices. */
export async function planGraphql(planning: Planning, request: PlanRequest): Promise<EntityPlan> {
  const { declaration, engine, followUps } = planning;
  const resource = declaration.resources.find(({ entityKey }) => entityKey === request.entityKey);
  const plan = await engine.source.plan(request);
  if (resource === undefined) return plan;
  const found = await withFollowUps(plan, request, followUps);
  const canBeExported = mayExport(planning, resource, request);
  const isExported = canBeExported && plan.evidence.more === true;
  const way: Way = isExported ? "export" : canBeExported ? "pages_or_export" : "pages";
  return {
    ...found,
    spec: { ...found.spec, source: { ...found.spec.source, [WAY]: way } },
    evidence: { ...found.evidence, readBy: isExported ? declaration.exports?.kind : "pages" },
  };
}

/** Where no record has changed, others may be deleted, or children changed. */
async function withFollowUps(plan: EntityPlan, request: PlanRequest, followUps: FollowUps): Promise<EntityPlan> {
  const { cursorField, cursorState, scan, between, removes } = request;
  const isEmpty = plan.slices.length === 0 && "count" in plan.evidence;
  if (!isEmpty || scan !== "incremental" || between !== null || removes || cursorField === null) return plan;
  const from = Date.parse(cursorState ?? "");
  if (Number.isNaN(from) || !(await followUps.hasAny(plan.spec, from))) return plan;
  const { count: _, ...evidence } = plan.evidence;
  const slices: EntityPlan["slices"] = [
    { stage: 0, window: openWindow(cursorField, from), label: `${isoOf(from).slice(0, 10)}..` },
  ];
  return { ...plan, slices, evidence: { ...evidence, noRecordChanged: true } };
}

function mayExport(
  { declaration, canExport }: Planning,
  resource: GraphqlResource,
  { members = [] }: PlanRequest,
): boolean {
  if (!canExport || declaration.exports === undefined || resource.isExportable !== true) return false;
  const asked = new Set(members.map(({ entityKey }) => entityKey));
  const children = (resource.children ?? []).filter(({ entityKey }) => asked.has(entityKey));
  const connections = 1 + children.filter(({ field }) => "connection" in field).length;
  return connections <= declaration.exports.mostConnections && children.every((child) => child.isPagedOnly !== true);
}

const WAY = "readBy";

/**
 * `export`: a job reads the long slices. `pages_or_export`: pages, which are quicker, unless they cannot give all. A slice of `export` that is short is
 * read like that, too.
 */
type Way = "export" | "pages_or_export" | "pages";

/** The spec as the engine knows it, and how it is read. */
export function takeWay(spec: EntityReadSpec): { spec: EntityReadSpec; isExported: boolean; canBeExported: boolean } {
  const { [WAY]: way, ...source } = spec.source;
  const isExported = way === "export";
  return { spec: { ...spec, source }, isExported, canBeExported: isExported || way === "pages_or_export" };
}

/** @param now the plan's clock, in milliseconds: where an open window ends */
export function isLong(window: Window, shortest: string, now: number): boolean {
  if (window.by === "none") return true;
  if (window.by !== "time") return false;
  const from = Date.parse(window.from ?? "");
  const to = window.to === null ? now : Date.parse(window.to);
  return Number.isNaN(from) || to - from >= (parseDuration(shortest) ?? 0);
}
