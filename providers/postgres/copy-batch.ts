import { Readable } from "node:stream";
import { rowText } from "../../core/digests.ts";
import type { Window } from "../../core/slices.ts";
import type { CopyBatch } from "../batch.ts";
import { convertCopy, keepPart, readEncoding } from "./conversion.ts";
import { hashedKey, where } from "./range.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

export interface Copy {
  batch: Pick<CopyBatch, "format" | "stream" | "recycle" | "unconverted">;
  /** Ends what is left of it. */
  stop(): void;
}

interface CopyQuestion {
  doing: string;
  spec: ReadSpec;
  window: Window;
  /** Which rows. */
  range: string[];
  /** As for `Session.copyOut`. */
  beforeEnd(): Promise<void>;
}

/** @throws UnconvertedTextError, as does the stream, where the server cannot convert a text */
export async function copyAsSent(
  session: Session,
  { doing, spec, range, beforeEnd }: CopyQuestion,
  { format }: Pick<CopyBatch, "format">,
): Promise<Copy> {
  const text = copyStatement(spec, { expressions: spec.expressions, range, options: `format ${format}` });
  const stream = await session.copyOut(doing, text, beforeEnd);
  return { batch: { format, stream, recycle: stream.recycle }, stop: () => stream.destroy() };
}

/** @param question.range without the window where `findPart` finds one */
export async function copyConverted(
  session: Session,
  converter: Session,
  { doing, spec, window, range, beforeEnd }: CopyQuestion,
): Promise<Copy> {
  const encoding = await readEncoding(session, doing);
  const part = findPart(window);
  const key = part === null ? [] : [`${rowText(hashedKey(part))}`];
  const options = `format text, encoding '${encoding}'`;
  const statement = copyStatement(spec, { expressions: [...spec.expressions, ...key], range, options });
  const text = await session.copyOut(doing, statement, beforeEnd);
  const converted = convertCopy(converter, text);
  const chunks = part === null ? converted : keepPart(converted, part);
  const stream = Readable.from(chunks, { objectMode: false });
  const stop = () => {
    stream.destroy();
    text.destroy();
  };
  return { batch: { format: "text", stream, unconverted: encoding }, stop };
}

/**
 * Two statements, in one transaction. COPY takes its snapshot before it waits for a lock. What a transaction that it waited for has
 * written anew, by a TRUNCATE before its INSERT, looks empty to that snapshot. So the lock is taken first, by a statement that reads nothing.
 */
function copyStatement(
  { relation }: ReadSpec,
  { expressions, range, options }: { expressions: string[]; range: string[]; options: string },
): string {
  return `select from ${relation} limit 0;
    copy (select ${expressions.join(", ")} from ${relation} ${where(range)}) to stdout (${options})`;
}

/** A window whose condition the server would have to convert keys for; null where it converts nothing. */
export function findPart(window: Window): Extract<Window, { by: "hash" }> | null {
  return window.by === "hash" && window.hash === "md5" ? window : null;
}
