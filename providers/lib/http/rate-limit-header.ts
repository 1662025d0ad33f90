/** One quota as the source tells of it; null for what it does not say. */
export interface Allowance {
  remaining: number | null;
  /** Seconds until it renews. */
  resetSeconds: number | null;
}

/**
 * `RateLimit: "burst";r=0;t=30, "daily";r=900` and, as earlier drafts had it, `RateLimit: limit=100, remaining=0, reset=30`.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers
 */
export function readRateLimit(headers: Headers): Allowance[] {
  const text = (headers.get("ratelimit") ?? "").replace(/"(?:[^"\\]|\\.)*"/g, "name");
  const quotas = /(?:^|[,;\s])(?:limit|remaining|reset)=/i.test(text) ? [text] : text.split(",");
  return quotas
    .map((quota) => ({ remaining: numberAt(quota, "remaining|r"), resetSeconds: numberAt(quota, "reset|t") }))
    .filter(({ remaining, resetSeconds }) => remaining !== null || resetSeconds !== null);
}

function numberAt(quota: string, names: string): number | null {
  const digits = new RegExp(`(?:^|[,;\\s])(?:${names})\\s*=\\s*(\\d{1,15})(?![\\d.])`, "i").exec(quota)?.[1];
  return digits === undefined ? null : Number(digits);
}
