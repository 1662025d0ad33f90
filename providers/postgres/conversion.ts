import { isAscii } from "node:buffer";
import { createHash } from "node:crypto";
import {
  cellsOf,
  isUnconverted,
  type Line,
  lineOf,
  markUnconverted,
  portionsOf,
  unescapeCell,
} from "../../core/copy-text.ts";
import { UnconvertedTextError } from "../batch.ts";
import type { Session } from "./session.ts";

/** What the server is asked to convert at once. */
const PORTION_BYTES = 1024 * 1024;

/** Of the database. What COPY is told to send in this encoding, it does not convert. */
export async function readEncoding(session: Session, doing: string): Promise<string> {
  const [row] = await session.query<{ encoding: string }>(doing, "select getdatabaseencoding() as encoding");
  return row?.encoding ?? "";
}

/**
 * By the server's own conversion, whatever the encoding.
 * @param bytes text in the database's encoding
 * @returns UTF-8; null where some of it has no equivalent there, or is no text
 */
export async function toUtf8(session: Session, bytes: Buffer): Promise<Buffer | null> {
  if (isAscii(bytes)) return bytes;
  try {
    const [row] = await session.query<{ text: Buffer }>(
      "converting text",
      "select convert($1::bytea, getdatabaseencoding(), 'UTF8') as text",
      [bytes],
    );
    return row?.text ?? null;
  } catch (error) {
    if (error instanceof UnconvertedTextError) return null;
    throw error;
  }
}

/**
 * COPY text that the source sends in its own encoding. All of these encodings keep ASCII, and no byte of another character is one of
 * ASCII, so that lines and cells are told apart before they are converted.
 * @param converter a session that does not send the text
 * @returns the same in UTF-8, in which cells that cannot be converted are marked and left as they are
 */
export async function* convertCopy(
  converter: Session,
  stream: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const lines of portionsOf(stream, PORTION_BYTES)) yield* convertPart(converter, lines);
}

/** Halves what fails, down to the lines that are at fault. */
async function* convertPart(converter: Session, lines: Line[]): AsyncGenerator<Buffer, void, undefined> {
  const converted = await toUtf8(converter, Buffer.concat(lines));
  const [line] = lines;
  if (converted !== null) yield converted;
  else if (line !== undefined && lines.length === 1) yield await convertLine(converter, line);
  else {
    yield* convertPart(converter, lines.slice(0, lines.length >> 1));
    yield* convertPart(converter, lines.slice(lines.length >> 1));
  }
}

async function convertLine(converter: Session, line: Line): Promise<Line> {
  const cells: Buffer[] = [];
  for (const cell of cellsOf(line)) cells.push((await toUtf8(converter, cell)) ?? markUnconverted(cell));
  return lineOf(cells);
}

/** Of a cell of converted text, as `hashText` does by `md5`: 64 bits. Of one that was not converted, of its bytes. */
export function hashCell(cell: Buffer): bigint {
  const text = isUnconverted(cell) ? cell : Buffer.from(unescapeCell(cell.toString()));
  return createHash("md5").update(text).digest().readBigInt64BE();
}

/**
 * Rows whose key is in this part of all keys, as `isInPart` finds them by `md5`.
 * @param chunks converted text, the last cell of each row being its key as `rowText`
 * @returns the rows without that cell. One whose key was not converted is in the first part: no other end has it
 */
export async function* keepPart(
  chunks: AsyncIterable<Buffer>,
  { part, parts }: { part: number; parts: number },
): AsyncGenerator<Buffer, void, undefined> {
  for await (const lines of portionsOf(chunks, PORTION_BYTES)) {
    const kept = lines.flatMap((line) => {
      const cells = cellsOf(line);
      const key = cells.pop() ?? Buffer.alloc(0);
      const itsPart = isUnconverted(key) ? 0 : Number(hashCell(key) & BigInt(parts - 1));
      return itsPart === part ? [lineOf(cells)] : [];
    });
    if (kept.length > 0) yield Buffer.concat(kept);
  }
}

const CHARACTERS = /[\x80-\xff]+/g;

/** Text in the database's encoding, for people: what cannot be converted becomes U+FFFD. */
export async function toReadableText(session: Session, bytes: Buffer): Promise<string> {
  const whole = await toUtf8(session, bytes);
  if (whole !== null) return whole.toString();
  const latin1 = bytes.toString("latin1");
  const known = new Map<string, string>();
  for (const [run] of latin1.matchAll(CHARACTERS)) {
    if (!known.has(run)) known.set(run, (await toUtf8(session, Buffer.from(run, "latin1")))?.toString() ?? "\uFFFD");
  }
  return latin1.replace(CHARACTERS, (run) => known.get(run) ?? run);
}

/** SQL: the bytes of a text as they lie in the database, which nothing checks or converts. */
export function rawBytes(text: string): string {
  return String.raw`decode(replace(${text}, '\', '\\'), 'escape')`;
}
