import { type JsonValue, parseJson } from "./json.ts";

/** How the values of a body are written; `ndjson`: one a line. */
export type BodyFormat = "json" | "ndjson";

const MEDIA_TYPES = /^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)\b/i;

export function isNdjson(contentType: string): boolean {
  return MEDIA_TYPES.test(contentType.trim());
}

/** The body is written in the other of the two formats. */
export class OtherFormatError extends SyntaxError {
  override readonly name = "OtherFormatError";
  readonly format: BodyFormat;

  constructor(format: BodyFormat) {
    super(`it is ${format === "json" ? "one JSON document" : "NDJSON, with a record in each line"}`);
    this.format = format;
  }
}

/**
 * One value a line; empty lines do not count.
 * @param linesBefore of the same body, where it is parsed in pieces
 * @throws SyntaxError that names the line, also where the last one is cut off
 * @throws OtherFormatError where the body is one JSON array, or one document over several lines: no line of it is a record
 * @see https://github.com/ndjson/ndjson-spec
 */
export function parseNdjson(text: string, linesBefore = 0): JsonValue[] {
  const lines = text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [{ line, number: linesBefore + index + 1 }]));
  const values = lines.map(({ line, number }): JsonValue => {
    try {
      return parseJson(line);
    } catch (cause) {
      throw linesBefore === 0 && number === lines[0]?.number && isJson(text)
        ? new OtherFormatError("json")
        : new SyntaxError(`line ${number} is not JSON`, { cause });
    }
  });
  if (linesBefore === 0 && values.length === 1 && Array.isArray(values[0])) throw new OtherFormatError("json");
  return values;
}

/** Of text that is no JSON document: is each of its lines an object of its own? */
export function looksLikeNdjson(text: string): boolean {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.length > 1 && lines.every((line) => /^\s*\{/.test(line) && isJson(line));
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
