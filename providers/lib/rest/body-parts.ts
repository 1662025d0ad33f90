import { isUtf8 } from "node:buffer";
import { BodyLimitError } from "../http/body-limit.ts";
import { isObject, type JsonObject, type JsonValue, parseJson } from "../http/json.ts";
import {
  type JsonLayout,
  type JsonList,
  layOutJson,
  MOST_VALUES_AT_ONCE,
  mostValuesOf,
  tooMany,
} from "../http/json-layout.ts";
import { type BodyFormat, looksLikeNdjson, OtherFormatError, parseNdjson } from "../http/ndjson.ts";
import { decodeText } from "../http/text.ts";
import { USUAL_PLACES } from "./records.ts";
import { memberOf, startsAtRoot } from "./selector.ts";

/** A large body as several small ones that together have its records, so that only one of them at a time takes memory. */
export interface BodyParts {
  /** The body with what is large cut: of a long list its first element is left. */
  frame: JsonValue;
  /** Each is the body with some of its records, in order; read one before the next. */
  parts: Iterable<JsonValue>;
}

/**
 * @throws SyntaxError (or OtherFormatError) or TypeError, also while the parts are read, where the body is not what its format says
 * @throws BodyLimitError
 */
export function partsOf(
  body: Buffer,
  {
    contentType,
    format,
    recordSelector,
  }: { contentType: string; format: BodyFormat; recordSelector?: string | undefined },
): BodyParts {
  const text = toUtf8(body, contentType);
  return format === "ndjson" ? partsOfLines(text) : partsOfJson(text, recordSelector);
}

function toUtf8(body: Buffer, contentType: string): Buffer {
  // A label that names a charset of several bytes may be right although the bytes pass for UTF-8.
  const isPlain = isUtf8(body) && !/charset/i.test(contentType.replace(/charset\s*=\s*["']?utf-?8\b/i, ""));
  if (!isPlain || body[1] === 0 || body[0] === 0) return Buffer.from(decodeText(body, contentType));
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

function partsOfJson(text: Buffer, recordSelector: string | undefined): BodyParts {
  const layout = layOutJson(text);
  if (layout === null) throw notJson(text, new SyntaxError("its brackets or quotes do not match"));
  const frame = frameOf(text, layout);
  const list = frame === null ? null : findRecords(layout, frame, recordSelector);
  if (list !== null && frame !== null) return { frame, parts: partsOfList(text, list, frame) };
  if (layout.values > MOST_VALUES_AT_ONCE)
    throw new BodyLimitError(
      `has ${layout.values.toLocaleString("en-US")} values, and no list of records at its place: at most ${MOST_VALUES_AT_ONCE.toLocaleString("en-US")} are read at once`,
    );
  const whole = parseText(text, 0, text.length);
  return { frame: whole, parts: [whole] };
}

/** Lists and elements up to so many bytes are kept whole. */
const FRAME_LIST_BYTES = 64 * 1024;
const FRAME_BYTES = 4 * 1024 * 1024;

/** Null where it is large even so. */
function frameOf(text: Buffer, { lists }: JsonLayout): JsonValue | null {
  const kept: Buffer[] = [];
  let at = 0;
  for (const { from, to, firstTo } of lists) {
    if (to - from <= FRAME_LIST_BYTES) continue;
    const isFirstSmall = firstTo - from <= FRAME_LIST_BYTES;
    kept.push(text.subarray(at, from), isFirstSmall ? text.subarray(from, firstTo) : Buffer.from("{}"));
    at = to;
  }
  kept.push(text.subarray(at));
  const bytes = kept.reduce((sum, { length }) => sum + length, 0);
  if (bytes > FRAME_BYTES) return null;
  try {
    return parseText(Buffer.concat(kept), 0, bytes);
  } catch (error) {
    throw error instanceof SyntaxError ? notJson(text, error) : error;
  }
}

/** The list that the parts are cut from; null where the records are elsewhere. */
function findRecords({ lists }: JsonLayout, frame: JsonValue, recordSelector: string | undefined): JsonList | null {
  const keys = keysOfRecords(frame, recordSelector);
  const found = lists.filter(
    (list) => list.keys.length === keys?.length && list.keys.every((key, i) => key === keys[i]),
  );
  const [list] = found;
  return list !== undefined && found.length === 1 && Array.isArray(valueAt(frame, list.keys)) ? list : null;
}

function keysOfRecords(frame: JsonValue, recordSelector: string | undefined): string[] | null {
  if (recordSelector === undefined) {
    if (Array.isArray(frame)) return [];
    const place = USUAL_PLACES.find((name) => Array.isArray(memberOf(frame, name)));
    return place === undefined ? null : [place];
  }
  const outermost = recordSelector.split("[*]")[0] ?? "";
  const names = outermost.split(".");
  return startsAtRoot(recordSelector) ? names.slice(1) : names;
}

function valueAt(root: JsonValue, keys: readonly string[]): JsonValue | undefined {
  return keys.reduce<JsonValue | undefined>((value, key) => (value === undefined ? value : memberOf(value, key)), root);
}

function* partsOfList(text: Buffer, { keys, from, to, cuts }: JsonList, frame: JsonValue): Generator<JsonValue, void> {
  const key = keys.at(-1);
  const holder = valueAt(frame, keys.slice(0, -1));
  for (const [i, end] of [...cuts, to].entries()) {
    const start = i === 0 ? from : (cuts[i - 1] ?? from) + 1;
    const elements = parseText(text, start, end, ["[", "]"]);
    // Between two commas, or before the end, there is nothing.
    if (cuts.length > 0 && Array.isArray(elements) && elements.length === 0)
      throw new SyntaxError("an element of a list is missing");
    if (key === undefined) yield elements;
    else if (isObject(holder)) yield replaceAt(frame, keys, elements);
  }
}

/** A copy of the objects that lead there; the others are shared. */
function replaceAt(frame: JsonValue, [key, ...rest]: readonly string[], value: JsonValue): JsonValue {
  if (key === undefined) return value;
  if (!isObject(frame)) return frame;
  const members = Object.entries(frame).map(([name, member]): [string, JsonValue] => [
    name,
    name === key ? replaceAt(member, rest, value) : member,
  ]);
  return Object.fromEntries(members) satisfies JsonObject;
}

function parseText(text: Buffer, from: number, to: number, [before, after] = ["", ""]): JsonValue {
  return parseJson(`${before}${text.toString("utf8", from, to)}${after}`);
}

/** Of lines; a longer one comes alone. */
const LINES_BYTES = 512 * 1024;
const NEWLINE = 0x0a;

function partsOfLines(text: Buffer): BodyParts {
  return {
    frame: [],
    parts: (function* () {
      let lines = 0;
      let values = 0;
      for (let at = 0; at < text.length; ) {
        const newline = text.indexOf(NEWLINE, Math.min(at + LINES_BYTES, text.length - 1));
        const end = newline === -1 ? text.length : newline + 1;
        const piece = text.subarray(at, end);
        values += countValues(piece, lines);
        if (values > mostValuesOf(text.length)) throw tooMany(mostValuesOf(text.length));
        yield parseLines(piece.toString("utf8"), { lines, isFirst: at === 0, isWhole: end === text.length });
        for (let i = piece.indexOf(NEWLINE); i !== -1; i = piece.indexOf(NEWLINE, i + 1)) lines += 1;
        at = end;
      }
    })(),
  };
}

/** With its newline a line has one more. @throws SyntaxError for one long line that is broken: what it takes to parse is not known */
function countValues(piece: Buffer, lines: number): number {
  const layout = layOutJson(piece);
  if (layout === null && piece.length > 2 * LINES_BYTES) throw new SyntaxError(`line ${lines + 1} is not JSON`);
  return layout === null ? 0 : layout.values + piece.filter((byte) => byte === NEWLINE).length;
}

function parseLines(text: string, { lines, isFirst, isWhole }: { lines: number; isFirst: boolean; isWhole: boolean }) {
  try {
    const values = parseNdjson(text, lines);
    return values;
  } catch (error) {
    // One document over several lines does not end within the first piece of it.
    const isDocument = isFirst && !isWhole && /^\s*\[\s*$|^\s*\{\s*$/.test(text.split("\n", 1)[0] ?? "");
    throw isDocument ? new OtherFormatError("json") : error;
  }
}

const PREFIX_BYTES = 256 * 1024;

function notJson(text: Buffer, cause: SyntaxError): SyntaxError {
  const prefix = text.toString("utf8", 0, PREFIX_BYTES);
  const lines = text.length > PREFIX_BYTES ? prefix.slice(0, prefix.lastIndexOf("\n") + 1) : prefix;
  return looksLikeNdjson(lines) ? new OtherFormatError("ndjson") : cause;
}
