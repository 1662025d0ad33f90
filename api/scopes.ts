/** What a caller may do. Each scope includes those before it. */
export const SCOPES = ["read", "operate", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

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
 * What it takes to call a route. A write that nobody has thought of here takes the most.
 * @param path as the OpenAPI document writes it
 */
export function scopeOf(method: string, path: string): Scope {
  const route = `${method.toUpperCase()} ${path}`;
  if (OPERATE.has(route)) return "operate";
  return route.startsWith("GET ") && !ADMIN_READS.has(route) ? "read" : "admin";
}

export function covers(held: Scope | null, needed: Scope): boolean {
  return held !== null && SCOPES.indexOf(held) >= SCOPES.indexOf(needed);
}

/** The furthest of `words` that is a scope; words of other systems are none. */
export function furthestScope(words: readonly string[]): Scope | null {
  return SCOPES.findLast((scope) => words.includes(scope)) ?? null;
}
