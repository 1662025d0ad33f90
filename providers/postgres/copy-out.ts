import { Readable } from "node:stream";
import type { Connection, Submittable } from "pg";
import { createUnframer } from "./unframe.ts";

/** What pg calls of whatever it is given as a query. */
interface CopyQuery extends Submittable {
  handleError(error: Error): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
}

export type CopyOut = Readable & CopyQuery;

/** As much as one read of the socket gives; more would only lie in memory. */
const HIGH_WATER_MARK = 64 * 1024;

/**
 * A COPY ... TO STDOUT for `client.query`: its bytes in chunks as the socket gives them, with back-pressure down to the
 * server. Reads the socket itself while the COPY runs, since pg would make an object of every row.
 * @param hooks.toError what the stream is destroyed with when the statement fails
 * @param hooks.beforeEnd called when the server has sent everything; the stream ends when it resolves, and fails with what it throws
 */
export function createCopyOut(
  text: string,
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
      if (payload.length > 0 && !stream.push(payload)) socket.pause();
      if (rest === null) return;
      socket.off("data", read);
      resume = () => undefined;
      for (const listener of ofDriver) {
        socket.on("data", listener);
        listener.call(socket, rest);
      }
      socket.resume();
    };
    for (const listener of ofDriver) socket.off("data", listener);
    socket.on("data", read);
    resume = () => socket.resume();
    connection.query(text);
  };
  return Object.assign(stream, {
    submit,
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
