import { Readable } from "node:stream";
import type { Connection, Submittable } from "pg";
import type { ReadBuffers } from "./read-buffers.ts";
import { createUnframer } from "./unframe.ts";

/** What pg calls of whatever it is given as a query. */
interface CopyQuery extends Submittable {
  handleError(error: Error): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
}

export interface CopyOut extends Readable, CopyQuery {
  /** A chunk that the stream gave is done with, and its memory may be written to. Need not be called. */
  recycle(chunk: Buffer): void;
}

/** As much as one read of the socket gives; more would only lie in memory. */
const HIGH_WATER_MARK = 64 * 1024;

/**
 * A COPY ... TO STDOUT for `client.query`: its bytes in chunks as the socket gives them, with back-pressure down to the
 * server. Reads the socket itself while the COPY runs, since pg would make an object of every row.
 * @param buffers that the socket reads into, where it does so itself
 * @param hooks.toError what the stream is destroyed with when the statement fails
 * @param hooks.beforeEnd called when the server has sent everything; the stream ends when it resolves, and fails with what it throws
 */
export function createCopyOut(
  text: string,
  buffers: ReadBuffers | null,
  hooks: { toError(error: unknown): Error; beforeEnd(): Promise<void> },
): CopyOut {
  let resume = (): void => undefined;
  const stream = new Readable({ highWaterMark: HIGH_WATER_MARK, read: () => resume() });

  const submit = (connection: Connection): void => {
    const socket = connection.stream;
    const unframe = createUnframer();
    const ofDriver = socket.listeners("data") as ((chunk: Buffer) => void)[];
    const read = (chunk: Buffer): void => {
      const { payload, rest } = unframe(chunk);
      const kept = rest === null ? null : Buffer.from(rest);
      if (payload.length === 0) buffers?.takeBack(chunk);
      else if (!stream.push(payload)) socket.pause();
      if (kept === null) return;
      buffers?.lend(false);
      socket.off("data", read);
      resume = () => undefined;
      for (const listener of ofDriver) {
        socket.on("data", listener);
        listener.call(socket, kept);
      }
      socket.resume();
    };
    for (const listener of ofDriver) socket.off("data", listener);
    buffers?.lend(true);
    socket.on("data", read);
    resume = () => socket.resume();
    connection.query(text);
  };
  return Object.assign(stream, {
    submit,
    recycle: (chunk: Buffer) => buffers?.takeBack(chunk),
    handleError: (error: Error) => {
      stream.destroy(hooks.toError(error));
    },
    handleCommandComplete: () => undefined,
    handleReadyForQuery: () => {
      hooks.beforeEnd().then(
        () => stream.push(null),
        (error: unknown) => stream.destroy(hooks.toError(error)),
      );
    },
  });
}
