import type { FieldType } from "../../rest/field-types.ts";

/**
 * Is a cell the usual text of a value of its type? Asked of its bytes, since it is asked of every cell. One that is not may still be a value
 * (`fits.ts` says so).
 */
export type IsUsual = (bytes: Buffer, from: number, to: number) => boolean;

const [MINUS, PLUS, POINT, COLON, SPACE] = [0x2d, 0x2b, 0x2e, 0x3a, 0x20];
const [ZERO, NINE] = [0x30, 0x39];

const TESTS: Record<string, IsUsual> = {
  bigint: isBigint,
  numeric: isNumeric,
  boolean: isBoolean,
  date: isDate,
  "timestamp without time zone": (bytes, from, to) => isTimestamp(bytes, from, to) === "local",
  "timestamp with time zone": (bytes, from, to) => isTimestamp(bytes, from, to) === "zoned",
};

/** @returns null for types whose values nobody but `fits.ts` knows */
export function usualTextOf(type: FieldType): IsUsual | null {
  return TESTS[type] ?? null;
}

/** @returns the place behind the digits from `from` on */
function skipDigits(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) break;
    at += 1;
  }
  return at;
}

/** Up to 18 digits, which always fit; without leading zeros, which a number would lose. */
function isBigint(bytes: Buffer, from: number, to: number): boolean {
  const start = bytes[from] === MINUS ? from + 1 : from;
  const length = to - start;
  if (length < 1 || length > 18 || skipDigits(bytes, start, to) !== to) return false;
  return bytes[start] !== ZERO || (length === 1 && start === from);
}

function isNumeric(bytes: Buffer, from: number, to: number): boolean {
  const start = bytes[from] === MINUS ? from + 1 : from;
  const whole = skipDigits(bytes, start, to);
  if (whole === start || (bytes[start] === ZERO && whole > start + 1) || whole - start > 1000) return false;
  if (whole === to) return true;
  return bytes[whole] === POINT && to > whole + 1 && to - whole < 1000 && skipDigits(bytes, whole + 1, to) === to;
}

function isBoolean(bytes: Buffer, from: number, to: number): boolean {
  const word = to - from === 4 ? "true" : to - from === 5 ? "false" : "";
  if (word === "") return false;
  for (let i = 0; i < word.length; i += 1) if (((bytes[from + i] ?? 0) | 0x20) !== word.charCodeAt(i)) return false;
  return true;
}

/** @returns -1 where one of the two is no digit */
function twoDigits(bytes: Buffer, at: number): number {
  const tens = (bytes[at] ?? 0) - ZERO;
  const ones = (bytes[at + 1] ?? 0) - ZERO;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

const DAYS = new Uint8Array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);

/** `2026-11-30`, in the ten bytes from `from` on. A 29th of February is left to others. */
function beginsWithDate(bytes: Buffer, from: number): boolean {
  const century = twoDigits(bytes, from);
  const year = twoDigits(bytes, from + 2);
  const month = twoDigits(bytes, from + 5);
  const day = twoDigits(bytes, from + 8);
  if (bytes[from + 4] !== MINUS || bytes[from + 7] !== MINUS || century < 1 || year < 0 || month < 1) return false;
  return day >= 1 && day <= (DAYS[month] ?? 0);
}

function isDate(bytes: Buffer, from: number, to: number): boolean {
  return to - from === 10 && beginsWithDate(bytes, from);
}

/** `2026-11-30T12:00:00.123456+01:00`; seconds, fraction and zone may be absent. Null: neither of the two. */
function isTimestamp(bytes: Buffer, from: number, to: number): "local" | "zoned" | null {
  if (to - from < 16 || to - from > 40 || !beginsWithDate(bytes, from)) return null;
  const divider = bytes[from + 10];
  if ((divider !== 0x54 && divider !== SPACE) || bytes[from + 13] !== COLON) return null;
  const [hour, minute] = [twoDigits(bytes, from + 11), twoDigits(bytes, from + 14)];
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return null;
  let at = from + 16;
  if (bytes[at] === COLON && at < to) {
    const second = twoDigits(bytes, at + 1);
    if (at + 3 > to || second < 0 || second > 59) return null;
    at += 3;
    if (bytes[at] === POINT && at < to) {
      const end = skipDigits(bytes, at + 1, to);
      // Postgres keeps microseconds.
      if (end === at + 1 || end - at > 7) return null;
      at = end;
    }
  }
  if (at === to) return "local";
  if (bytes[at] === 0x5a) return at + 1 === to ? "zoned" : null;
  if (bytes[at] !== PLUS && bytes[at] !== MINUS) return null;
  const hours = twoDigits(bytes, at + 1);
  if (hours < 0 || hours > 14) return null;
  if (to === at + 3) return "zoned";
  const minutes = twoDigits(bytes, bytes[at + 3] === COLON ? at + 4 : at + 3);
  const end = at + (bytes[at + 3] === COLON ? 6 : 5);
  return end === to && minutes >= 0 && minutes <= 59 ? "zoned" : null;
}
