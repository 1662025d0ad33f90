import { BodyLimitError } from "./body-limit.ts";

/**
 * Where the lists of a JSON text lie that stand in no other list, and where they may be cut, so that a large text is parsed in pieces and
 * never as a whole. Found by one pass over its bytes, which makes no values.
 */
export interface JsonLayout {
  lists: JsonList[];
  /** Of the whole text: elements, members, objects and lists. A little too many. */
  values: number;
}

/** One list, by places in the text. */
export interface JsonList {
  /** The members that lead to it from the root on; none: it is the root. */
  keys: string[];
  /** Behind its `[`. */
  from: number;
  /** Of its `]`. */
  to: number;
  /** Behind its first element, or `to`. */
  firstTo: number;
  /** Commas between elements, far enough apart. */
  cuts: number[];
}

/** Of text between two cuts, unless one element is longer. In memory its values take some ten times as much. */
const PIECE_BYTES = 512 * 1024;
/** Of values between two cuts, likewise. `{}` takes 64 bytes. */
const PIECE_VALUES = 50_000;

/** A list of `{}` has two for three bytes. Of ordinary records 32 MiB have one or two million values; of very small ones, four. */
const LEAST_BYTES_A_VALUE = 6;

/** Of a body of so many bytes: each costs time in a thread, and may become a row. */
export function mostValuesOf(bytes: number): number {
  return Math.max(1_000_000, Math.floor(bytes / LEAST_BYTES_A_VALUE));
}

/**
 * Of what has to be parsed at once: an element, or all that is in no list. A limit of a thread's memory cannot stop `JSON.parse`: where it
 * goes far beyond, the whole process ends. So nothing is parsed that could come near; the hungriest values take some 250 bytes each.
 */
export const MOST_VALUES_AT_ONCE = 500_000;

/** The parser's stack, and everything after it, takes memory for each. */
const MOST_DEPTH = 100_000;

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * @param text UTF-8
 * @returns null where brackets do not match: it is no JSON, and nothing of it can be told apart
 * @throws BodyLimitError
 */
export function layOutJson(text: Buffer): JsonLayout | null {
  const mostValues = mostValuesOf(text.length);
  const lists: JsonList[] = [];
  /** Members that lead to the present place, while it is in no list. */
  const keys: string[] = [];
  let list: JsonList | null = null;
  let depth = 0;
  /** Depth of the elements of `list`. */
  let base = 0;
  let values = 1;
  let outside = 1;
  /** Since the last cut. */
  let atOnce = 0;
  let cutAt = 0;
  let string: [from: number, to: number] = [0, 0];

  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) {
      const end = endOfString(text, at);
      if (end === -1) return null;
      if (list === null) string = [at, end + 1];
      at = end;
      continue;
    }
    if (byte === COMMA || byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values += 1;
      if (values > mostValues) throw tooMany(mostValues);
      if (list !== null) atOnce += 1;
      else outside += 1;
      if (atOnce > MOST_VALUES_AT_ONCE || outside > MOST_VALUES_AT_ONCE) throw tooManyAtOnce();
    }
    if (byte === COMMA) {
      if (list === null || depth !== base) continue;
      if (list.firstTo === list.to) list.firstTo = at;
      if (at - cutAt >= PIECE_BYTES || atOnce >= PIECE_VALUES) list.cuts.push(at);
      else continue;
      [cutAt, atOnce] = [at, 0];
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > MOST_DEPTH) throw new BodyLimitError(`is nested ${MOST_DEPTH.toLocaleString("en-US")} deep`);
      if (list !== null) continue;
      if (byte === OPEN_OBJECT) keys.length = depth;
      else {
        list = { keys: keys.slice(1, depth), from: at + 1, to: -1, firstTo: -1, cuts: [] };
        [base, cutAt, atOnce] = [depth, at + 1, 0];
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (list !== null && depth === base) {
        if (byte !== CLOSE_LIST) return null;
        list.to = at;
        if (list.firstTo === -1) list.firstTo = at;
        lists.push(list);
        list = null;
      }
      depth -= 1;
      if (depth < 0) return null;
    } else if (byte === COLON && list === null) {
      const key = keyIn(text, string);
      if (key === null) return null;
      keys[depth] = key;
    }
  }
  return depth === 0 ? { lists, values } : null;
}

export function tooMany(most: number): BodyLimitError {
  return new BodyLimitError(`has more than ${most.toLocaleString("en-US")} values`);
}

function tooManyAtOnce(): BodyLimitError {
  return new BodyLimitError(
    `has more than ${MOST_VALUES_AT_ONCE.toLocaleString("en-US")} values in one record, or beside its records`,
  );
}

/** @returns the place of the quote that ends it; -1 where none does */
function endOfString(text: Buffer, quote: number): number {
  for (let end = text.indexOf(QUOTE, quote + 1); end !== -1; end = text.indexOf(QUOTE, end + 1)) {
    let backslash = end;
    while (text[backslash - 1] === BACKSLASH) backslash -= 1;
    if ((end - backslash) % 2 === 0) return end;
  }
  return -1;
}

function keyIn(text: Buffer, [from, to]: [number, number]): string | null {
  try {
    const key: unknown = JSON.parse(text.toString("utf8", from, to));
    return typeof key === "string" ? key : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
