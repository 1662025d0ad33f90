/** As Postgres writes an instant into JSON, in sessions whose time zone is UTC. */
const OF_POSTGRES = /^(\d{4,}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?\+00(?::?00)?$/;

/** Instants in stored JSON, some of which the database wrote itself, as everywhere in the API: RFC 3339 with milliseconds and `Z`. */
export function withUtcInstants<T>(value: T): T;
export function withUtcInstants(value: unknown): unknown {
  if (typeof value === "string") return toUtc(value);
  if (Array.isArray(value)) return value.map((each: unknown) => withUtcInstants(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withUtcInstants(each)]));
}

function toUtc(text: string): string {
  const [, date, time, fraction = "."] = OF_POSTGRES.exec(text) ?? [];
  return date === undefined ? text : `${date}T${time}${fraction.slice(0, 4).padEnd(4, "0")}Z`;
}
