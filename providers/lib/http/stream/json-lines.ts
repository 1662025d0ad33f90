import { isUtf8 } from "node:buffer";
import { BODY_LIMIT_FIX, BodyLimitError } from "../body-limit.ts";
import { type JsonValue, parseJson } from "../json.ts";
import { createCarry } from "./carry.ts";
import type { HttpStream } from "./http-stream.ts";

/** Records that came together. */
export interface JsonLines {
  /** Exact, see json.ts. */
  values: JsonValue[];
  /** Place in the body behind the last of them: `HttpStream.positionAt` makes a position of it. */
  endsAt: number;
}

export interface JsonLinesOptions {
  /** 8 MiB. */
  maxLineBytes?: number;
}

const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** Lines are parsed on the loop. A line of so many values takes it a tenth of a second and 50 MB. */
const MOST_VALUES = 200_000;
const NEWLINE = 0x0a;

/**
 * JSONL: one value a line, in UTF-8; empty lines do not count. It gives the lines of one chunk at a time, so that the loop is never taken for
 * more than some milliseconds.
 * @throws ProviderError; source_response_invalid names the line that is no JSON, too long, or cut off
 */
export async function* readJsonLines(
  stream: HttpStream,
  { maxLineBytes = MAX_LINE_BYTES }: JsonLinesOptions = {},
): AsyncGenerator<JsonLines, void> {
  const carry = createCarry(maxLineBytes, "line");
  let lines = 0;
  let endsAt = stream.offset;

  function parse(bytes: Buffer): JsonLines {
    if (!isUtf8(bytes)) throw new SyntaxError(`of which a line behind line ${lines} is not UTF-8`);
    const text = bytes.toString("utf8");
    const values: JsonValue[] = [];
    // A file may begin with the mark of its encoding.
    for (const line of (endsAt === 0 && text.startsWith("\ufeff") ? text.slice(1) : text).split("\n")) {
      lines += 1;
      if (line.trim() === "") continue;
      requireFew(line);
      values.push(parseLine(line, lines));
    }
    // Behind the last newline there is no line yet.
    if (text.endsWith("\n")) lines -= 1;
    endsAt += bytes.length;
    return { values, endsAt };
  }

  try {
    for await (const chunk of stream.bytes()) {
      const cut = chunk.lastIndexOf(NEWLINE) + 1;
      if (cut > 0) {
        // The first line's end has come, and with it its length is known.
        carry.add(chunk.subarray(0, chunk.indexOf(NEWLINE)));
        const found = parse(carry.take(chunk.subarray(chunk.indexOf(NEWLINE), cut)));
        if (found.values.length > 0) yield found;
      }
      carry.add(chunk.subarray(cut));
    }
    const last = parse(carry.take(Buffer.alloc(0)));
    if (last.values.length > 0) yield last;
  } catch (cause) {
    if (cause instanceof BodyLimitError) {
      throw stream.refuse(cause.message, { cause, fix: BODY_LIMIT_FIX, permanent: true });
    }
    if (cause instanceof SyntaxError) throw stream.refuse(`is not JSONL, ${cause.message}`, { cause });
    throw cause;
  }
}

function parseLine(line: string, number: number): JsonValue {
  try {
    return parseJson(line);
  } catch (cause) {
    throw new SyntaxError(`of which line ${number} is not JSON`, { cause });
  }
}

const PARTS = new Set([..."[{,"].map((character) => character.charCodeAt(0)));
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws BodyLimitError */
function requireFew(line: string): void {
  // A value takes two characters at least.
  if (line.length < 2 * MOST_VALUES) return;
  let values = 0;
  let isText = false;
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === QUOTE) isText = !isText;
    else if (isText && code === BACKSLASH) at += 1;
    else if (!isText && PARTS.has(code)) values += 1;
  }
  if (values > MOST_VALUES) {
    throw new BodyLimitError(`has a line of more than ${MOST_VALUES.toLocaleString("en-US")} values`);
  }
}
