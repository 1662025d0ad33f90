import { isRawNumber, type JsonValue } from "../http/json.ts";
import { DIRECTIVE_LETTERS, hasDirective, isTimePattern, printPattern, readPatternInstant } from "./time-patterns.ts";
import { DAY, type Instant, readIsoInstant } from "./times.ts";

const RFC_2822 = "%a, %d %b %Y %H:%M:%S %z";

/** With and without weekday, seconds and zone, as mail and HTTP have it. */
const RFC_2822_VARIANTS = ["%a, %d %b %Y ", "%d %b %Y "].flatMap((date) =>
  ["%H:%M:%S", "%H:%M"].flatMap((time) => [`${date}${time} %z`, `${date}${time}`]),
);

const NAMED = ["iso8601", "epoch_s", "epoch_ms", "date", "rfc2822"];

/** For messages. */
export const FORMAT_NAMES = `${NAMED.join(", ")}, or a pattern of ${DIRECTIVE_LETTERS.map((letter) => `%${letter}`).join(" ")} with a year, and with %p where it has %I`;

const SECOND = 1_000;

export function isTimeFormat(format: string): boolean {
  return NAMED.includes(format) || isTimePattern(format);
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
    case "rfc2822":
      return printPattern(time, RFC_2822);
    default:
      return printPattern(time, format);
  }
}

/** Milliseconds, fractions of them cut off; null where the value is no instant of the format. */
export function parseInstant(value: JsonValue | undefined, format: string): number | null {
  return readInstant(value, format)?.ms ?? null;
}

/**
 * A value that the API gave, as the instant that it means. Besides the format it may be ISO 8601, which no other format can be taken
 * for: many APIs are asked in one and answer in the other. Without a zone it is UTC.
 * @returns null where it is neither
 */
export function readInstant(value: JsonValue | undefined, format: string): Instant | null {
  const text = isRawNumber(value) ? value.rawJSON : value;
  if (typeof text !== "string" && typeof text !== "number") return null;
  if (format.startsWith("epoch_")) {
    const instant = readEpoch(String(text), format === "epoch_s" ? 6 : 3);
    if (instant !== null) return instant;
  }
  if (typeof text !== "string" || text.length > LONGEST) return null;
  return readText(text, format) ?? readIsoInstant(text) ?? readJsonDate(text);
}

/** `/Date(1700000000000+0100)/`, as OData 2 and ASP.NET write it: milliseconds in UTC, whatever zone follows. */
function readJsonDate(text: string): Instant | null {
  const ms = /^\\?\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\\?\/$/.exec(text)?.[1];
  return ms === undefined ? null : readEpoch(ms, 3);
}

/** No time is longer. */
const LONGEST = 200;

function readText(text: string, format: string): Instant | null {
  if (format !== "rfc2822") return isTimePattern(format) ? readPatternInstant(text, format) : null;
  // A comment may name the zone once more.
  const said = text.replace(/\s*\([^()]*\)\s*$/, "");
  for (const variant of RFC_2822_VARIANTS) {
    const instant = readPatternInstant(said, variant);
    if (instant !== null) return instant;
  }
  return null;
}

const EPOCH = /^([+-]?)(\d{1,20})(?:\.(\d{1,30}))?$/;

/** What JavaScript's dates hold. */
const MOST_MS = 8_640_000_000_000_000n;

/**
 * @param digits of a fraction that are microseconds
 * @returns null for what is no number, or one beyond the year 275760
 */
function readEpoch(text: string, digits: 6 | 3): Instant | null {
  // A number with an exponent is a double at the source, too.
  const plain = /^[^a-z]*e[+-]?\d{1,3}$/i.test(text) ? Number(text).toFixed(digits) : text.trim();
  const [whole, sign, integer = "", fraction = ""] = EPOCH.exec(plain) ?? [];
  if (whole === undefined) return null;
  const size = BigInt(integer + fraction.slice(0, digits).padEnd(digits, "0"));
  const isCut = /[1-9]/.test(fraction.slice(digits));
  // Downwards, also before 1970.
  const micros = sign === "-" ? -size - (isCut ? 1n : 0n) : size;
  const rest = ((micros % 1_000n) + 1_000n) % 1_000n;
  const ms = (micros - rest) / 1_000n;
  if (ms > MOST_MS || ms < -MOST_MS) return null;
  return { ms: Number(ms), micros: Number(rest), lasts: digits === 6 && fraction === "" ? SECOND : 1 };
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
  if (format === "iso8601" || format === "epoch_ms" || hasDirective(format, "L", "f")) return 1;
  if (format === "epoch_s" || format === "rfc2822" || hasDirective(format, "S")) return SECOND;
  if (hasDirective(format, "M")) return 60 * SECOND;
  if (hasDirective(format, "H", "I")) return 3_600 * SECOND;
  return DAY;
}
