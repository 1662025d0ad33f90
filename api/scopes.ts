/**
 * What a caller may do. `observe`, `read`, `operate` and `confirm` each include those before them. `execute` stands beside them: it is for
 * executors, which take and report work and read nothing else. `admin` includes all of them.
 */
export const SCOPES = ["observe", "read", "operate", "confirm", "execute", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

const INCLUDED: Record<Scope, readonly Scope[]> = {
  observe: ["observe"],
  read: ["observe", "read"],
  operate: ["observe", "read", "operate"],
  confirm: ["observe", "read", "operate", "confirm"],
  execute: ["execute"],
  admin: SCOPES,
};

/** What shows no row of anybody's data and no host. Runs are shown to observers without the fields that could (`observe-run.ts`). */
const OBSERVE: ReadonlySet<string> = new Set([
  "GET /metrics",
  "GET /api/v1/result-reasons",
  "GET /api/v1/runs",
  "GET /api/v1/syncs/providers/{provider}/catalog",
  "GET /api/v1/syncs/runs/{run_id}",
  "GET /api/v1/syncs/{sync_id}/runs",
]);

/** For those who run syncs and do not define them. */
const OPERATE: ReadonlySet<string> = new Set([
  "POST /api/v1/syncs/{sync_id}/trigger",
  "POST /api/v1/syncs/{sync_id}/backfills",
  "POST /api/v1/syncs/{sync_id}/plan",
  // A plan is told to those who may ask for it.
  "GET /api/v1/syncs/{sync_id}/plans/{plan_id}",
  "POST /api/v1/syncs/runs/{run_id}/cancel",
  "POST /api/v1/syncs/runs/{run_id}/retry",
]);

/** Reading them tells what others did. */
const ADMIN_READS: ReadonlySet<string> = new Set(["GET /api/v1/audit-events"]);

/**
 * What it takes to call a route. A write that nobody has thought of here takes the most. What a request asks for beyond its route, such as
 * a lifted guard, is checked by the route (`requireScopeFor`).
 * @param path as the OpenAPI document writes it
 */
export function scopeOf(method: string, path: string): Scope {
  const route = `${method.toUpperCase()} ${path}`;
  if (OBSERVE.has(route)) return "observe";
  if (OPERATE.has(route)) return "operate";
  return route.startsWith("GET ") && !ADMIN_READS.has(route) ? "read" : "admin";
}

export function covers(held: readonly Scope[], needed: Scope): boolean {
  return held.some((scope) => INCLUDED[scope].includes(needed));
}

/** Those of `words` that are scopes; words of other systems are none. */
export function scopesAmong(words: readonly string[]): Scope[] {
  return SCOPES.filter((scope) => words.includes(scope));
}
