import { isRawNumber, type JsonValue } from "../lib/http/json.ts";

const PARTS: Record<string, (time: Date) => string> = {
  Y: (time) => String(time.getUTCFullYear()).padStart(4, "0"),
  m: (time) => pad(time.getUTCMonth() + 1),
  d: (time) => pad(time.getUTCDate()),
  H: (time) => pad(time.getUTCHours()),
  M: (time) => pad(time.getUTCMinutes()),
  S: (time) => pad(time.getUTCSeconds()),
  L: (time) => pad(time.getUTCMilliseconds(), 3),
};

const PATTERN = /^(?:[^%]|%[YmdHMSL])*%[YmdHMSL](?:[^%]|%[YmdHMSL])*$/;

const ISO_8601 = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

const SECOND = 1_000;
const DAY = 86_400 * SECOND;

export function isTimeFormat(format: string): boolean {
  return ["iso8601", "epoch_s", "epoch_ms", "date"].includes(format) || PATTERN.test(format);
}

/**
 * An instant as the API writes it, in UTC. What the format has no room for is cut off, or added (`up`): a bound must not
 * leave out what lies between.
 */
export function formatInstant(ms: number, format: string, rounding: "down" | "up"): string {
  const unit = unitOf(format);
  const rounded = (rounding === "up" ? Math.ceil(ms / unit) : Math.floor(ms / unit)) * unit;
  const time = new Date(rounded);
  switch (format) {
    case "iso8601":
      return time.toISOString();
    case "epoch_s":
      return String(rounded / SECOND);
    case "epoch_ms":
      return String(rounded);
    case "date":
      return time.toISOString().slice(0, 10);
    default:
      return format.replace(/%([YmdHMSL])/g, (_, part: string) => PARTS[part]?.(time) ?? "");
  }
}

/** Milliseconds, fractions of them cut off; null where the value is no instant of the format. Text without a zone is UTC. */
export function parseInstant(value: JsonValue | undefined, format: string): number | null {
  if (value === undefined || value === null) return null;
  const text = isRawNumber(value) ? value.rawJSON : value;
  if (format === "epoch_s" || format === "epoch_ms") {
    const number = typeof text === "number" || (typeof text === "string" && text !== "") ? Number(text) : Number.NaN;
    return Number.isFinite(number) ? Math.floor(format === "epoch_s" ? number * SECOND : number) : null;
  }
  if (typeof text !== "string") return null;
  const [whole, date, time = "00:00", zone = "Z"] = ISO_8601.exec(text) ?? [];
  if (whole === undefined) return null;
  const ms = Date.parse(
    `${date}T${time}${zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours, minutes = "00") => `${hours}:${minutes}`)}`,
  );
  return Number.isNaN(ms) ? null : ms;
}

/** Milliseconds of an ISO 8601 duration of weeks to seconds; null where it is none. */
export function parseDuration(duration: string): number | null {
  const [whole, weeks, days, hours, minutes, seconds] =
    /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(duration) ?? [];
  if (whole === undefined) return null;
  const inDays = Number(weeks ?? 0) * 7 + Number(days ?? 0);
  const inSeconds = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  const ms = inDays * DAY + Math.round(inSeconds * SECOND);
  return ms > 0 ? ms : null;
}

/** The smallest difference that a format can tell, in milliseconds. */
export function unitOf(format: string): number {
  if (format === "iso8601" || format === "epoch_ms" || format.includes("%L")) return 1;
  if (format === "epoch_s" || format.includes("%S")) return SECOND;
  if (format.includes("%M")) return 60 * SECOND;
  if (format.includes("%H")) return 3_600 * SECOND;
  return DAY;
}

function pad(number: number, length = 2): string {
  return String(number).padStart(length, "0");
}
