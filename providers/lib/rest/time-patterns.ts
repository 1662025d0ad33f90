import { type Instant, instantOf, readOffset, type WallClock } from "./times.ts";

const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** What `%` and a letter stand for. Names are English. */
interface Directive {
  print(time: Date): string;
  /** A regular expression without groups. */
  reads: string;
  /** Null where the text is none; absent: it says nothing about the time. */
  read?(text: string): ClockPart | null;
}

/** `afternoon` turns the hours of a 12-hour clock. */
type ClockPart = Partial<WallClock> & { afternoon?: boolean };

const numbered = (of: (time: Date) => number, read: (value: number) => ClockPart): Directive => ({
  print: (time) => pad(of(time), 2),
  reads: "\\d{2}",
  read: (text) => read(Number(text)),
});

const nameOf = (names: string[]): string => names.map((name) => `${name}|${name.slice(0, 3)}\\.?`).join("|");
const indexIn = (names: string[], text: string): number =>
  names.findIndex((name) => name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase());

const hour = numbered(
  (time) => time.getUTCHours(),
  (value) => ({ hour: value }),
);
const month = (length?: number): Directive => ({
  print: (time) => (MONTHS[time.getUTCMonth()] ?? "").slice(0, length),
  reads: nameOf(MONTHS),
  read: (text) => ({ month: indexIn(MONTHS, text) + 1 }),
});
const weekday = (length?: number): Directive => ({
  print: (time) => (WEEKDAYS[time.getUTCDay()] ?? "").slice(0, length),
  reads: nameOf(WEEKDAYS),
});
const zone = (utc: string): Directive => ({
  print: () => utc,
  reads: "Z|UTC?|GMT|[+-]\\d{2}(?::?\\d{2})?",
  read: (text) => {
    const offsetMinutes = readOffset(text);
    return offsetMinutes === null ? null : { offsetMinutes };
  },
});

const DIRECTIVES: Record<string, Directive> = {
  Y: {
    print: (time) => pad(time.getUTCFullYear(), 4),
    reads: "\\d{4}",
    read: (text) => ({ year: Number(text) }),
  },
  // As POSIX has it.
  y: numbered(
    (time) => time.getUTCFullYear() % 100,
    (value) => ({ year: value < 69 ? 2000 + value : 1900 + value }),
  ),
  m: numbered(
    (time) => time.getUTCMonth() + 1,
    (value) => ({ month: value }),
  ),
  d: numbered(
    (time) => time.getUTCDate(),
    (value) => ({ day: value }),
  ),
  H: hour,
  I: numbered(
    (time) => time.getUTCHours() % 12 || 12,
    (value) => ({ hour: value >= 1 && value <= 12 ? value % 12 : 99 }),
  ),
  M: numbered(
    (time) => time.getUTCMinutes(),
    (value) => ({ minute: value }),
  ),
  S: numbered(
    (time) => time.getUTCSeconds(),
    (value) => ({ second: value }),
  ),
  L: {
    print: (time) => pad(time.getUTCMilliseconds(), 3),
    reads: "\\d{3}",
    read: (text) => ({ fraction: text }),
  },
  f: {
    print: (time) => pad(time.getUTCMilliseconds() * 1_000, 6),
    reads: "\\d{1,9}",
    read: (text) => ({ fraction: text }),
  },
  p: {
    print: (time) => (time.getUTCHours() < 12 ? "AM" : "PM"),
    reads: "[AP]\\.?M\\.?",
    read: (text) => ({ afternoon: /^p/i.test(text) }),
  },
  b: month(3),
  B: month(),
  a: weekday(3),
  A: weekday(),
  z: zone("+0000"),
  Z: zone("GMT"),
};

export const DIRECTIVE_LETTERS = Object.keys(DIRECTIVES);

type Token = { text: string } | { directive: Directive; letter: string; unpadded: boolean };

interface Pattern {
  tokens: Token[];
  letters: Set<string>;
  reads: RegExp;
}

const parsed = new Map<string, Pattern | null>();

/** @param pattern of a config, of which there are few */
function parsePattern(pattern: string): Pattern | null {
  const known = parsed.get(pattern);
  if (known !== undefined) return known;
  const found = parseAnew(pattern);
  parsed.set(pattern, found);
  return found;
}

function parseAnew(pattern: string): Pattern | null {
  const tokens: Token[] = [];
  for (const [part, minus, letter] of pattern.matchAll(/%(-?)(.?)|[^%]+/gs)) {
    if (letter === undefined) tokens.push({ text: part });
    else if (part === "%%") tokens.push({ text: "%" });
    else {
      const directive = DIRECTIVES[letter];
      if (!Object.hasOwn(DIRECTIVES, letter) || directive === undefined) return null;
      tokens.push({ directive, letter, unpadded: minus === "-" });
    }
  }
  const letters = new Set(tokens.flatMap((token) => ("letter" in token ? [token.letter] : [])));
  const reads = tokens.map((token, i) => ("text" in token ? textPattern(token.text) : readPattern(tokens, i))).join("");
  return { tokens, letters, reads: new RegExp(`^${reads}$`, "i") };
}

/** Spaces of any number stand for spaces. */
function textPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&").replace(/\s+/g, "\\s+");
}

/** Numbers may lack their leading zero where no other number stands beside them. */
function readPattern(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  if (token === undefined || "text" in token) return "";
  const { reads } = token.directive;
  const hasNeighbour = [tokens[at - 1], tokens[at + 1]].some((next) => next !== undefined && !("text" in next));
  return `(${reads === "\\d{2}" && !hasNeighbour ? "\\d{1,2}" : reads})`;
}

/**
 * Is it a pattern that tells an instant, as far as it goes? It needs a year, for a 12-hour clock the half of the day, and nothing
 * twice.
 */
export function isTimePattern(pattern: string): boolean {
  const { tokens = [], letters = new Set<string>() } = parsePattern(pattern) ?? {};
  const isUnique = letters.size === tokens.filter((token) => "letter" in token).length;
  return isUnique && (letters.has("Y") || letters.has("y")) && (letters.has("p") || !letters.has("I"));
}

export function hasDirective(pattern: string, ...letters: string[]): boolean {
  return letters.some((letter) => parsePattern(pattern)?.letters.has(letter));
}

/** In UTC. */
export function printPattern(time: Date, pattern: string): string {
  const tokens = parsePattern(pattern)?.tokens ?? [];
  return tokens
    .map((token) => {
      if ("text" in token) return token.text;
      const text = token.directive.print(time);
      return token.unpadded ? text.replace(/^0+(?=\d)/, "") : text;
    })
    .join("");
}

/** Null where the text does not have the pattern. Without a zone it is UTC; letters may be small or large. */
export function readPatternInstant(text: string, pattern: string): Instant | null {
  const found = parsePattern(pattern);
  const match = found?.reads.exec(text.trim());
  if (!found || !match) return null;
  const directives = found.tokens.flatMap((token) => ("text" in token ? [] : [token.directive]));
  let clock: ClockPart = {};
  for (const [i, { read }] of directives.entries()) {
    const part = read === undefined ? {} : read(match[i + 1] ?? "");
    if (part === null) return null;
    clock = { ...clock, ...part };
  }
  const { year = 0, month = 1, day = 1, hour, afternoon = false, ...rest } = clock;
  const turned = hour !== undefined && found.letters.has("I") && afternoon ? hour + 12 : hour;
  return instantOf({ ...rest, year, month, day, ...(turned === undefined ? {} : { hour: turned }) });
}

function pad(number: number, length: number): string {
  return String(number).padStart(length, "0");
}
