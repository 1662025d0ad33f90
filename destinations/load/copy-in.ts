import { once } from "node:events";
import { finished } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type CopyStreamQuery, from as copyFrom } from "pg-copy-streams";
import type { LoadableCopy, LoadableRows } from "../destination.ts";
import { SourceStreamError } from "../errors.ts";
import type { Session } from "../session.ts";
import { quoteColumns } from "../sql.ts";
import { encodeRows } from "./encode-rows.ts";

/**
 * Streams a batch into a table by COPY, with back-pressure.
 * @param table quoted
 * @returns the number of rows
 * @throws SourceStreamError when it was the batch's own stream that failed
 */
export async function copyIn(
  session: Session,
  table: string,
  batch: LoadableRows | LoadableCopy,
  signal: AbortSignal,
): Promise<number> {
  const format = batch.kind === "copy" ? batch.format : "text";
  const source = batch.kind === "copy" ? batch.stream : encodeRows(batch.rows);
  const copy = copyFrom(`copy ${table} (${quoteColumns(batch.columns)}) from stdin (format ${format})`);
  if (batch.kind === "copy") recycleSent(copy, session, batch);
  const sink = session.client.query(copy);
  // A pipeline that fails destroys its other end with the same error: who was first is to blame.
  const failed: { sink?: true; source?: SourceStreamError } = {};
  sink.once("error", () => {
    failed.sink = true;
  });
  finished(source, { writable: false }, (error) => {
    if (error && !failed.sink) failed.source = new SourceStreamError("The source's stream failed.", { cause: error });
  });
  // Not the pipeline's own end, which waits for the source's as well: a source that hangs may never have one.
  const closed = once(sink, "close");
  pipeline(source, sink, { signal }).catch((error) => sink.destroy(error));
  if (batch.kind === "copy") source.on("data", ({ length }: Buffer) => batch.onBytes?.(length));
  try {
    await closed;
  } catch (error) {
    throw failed.source ?? error;
  }
  return sink.rowCount;
}

/**
 * Says of each chunk when the socket has let it go, which the library keeps to itself; and header and chunk leave together, in one
 * packet where they fit.
 */
function recycleSent(copy: CopyStreamQuery, { client }: Session, { recycle }: LoadableCopy): void {
  if (recycle === undefined) return;
  const socket = client.connection.stream;
  const flushChunk = (chunk: Buffer): boolean => {
    const header = Buffer.from([COPY_DATA, 0, 0, 0, 0]);
    header.writeUInt32BE(chunk.length + 4, 1);
    socket.cork();
    socket.write(header);
    const drained = socket.write(chunk, () => recycle(chunk));
    socket.uncork();
    return drained;
  };
  Object.assign(copy, { flushChunk });
}

/** Type byte of the message, https://www.postgresql.org/docs/current/protocol-message-formats.html */
const COPY_DATA = 0x64;
