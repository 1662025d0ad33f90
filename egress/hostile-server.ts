import type { Socket } from "node:net";

/** A greeting and a login are a few hundred bytes, with a chain of certificates some thousands. */
export const LOGIN_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 20;

/** More came than what was asked for can take: whatever answers, it speaks another protocol, or means harm. */
export class TooManyBytesError extends Error {
  override readonly name = "TooManyBytesError";
  readonly mostBytes: number;
  constructor(mostBytes: number, cause: unknown) {
    super(`more than ${mostBytes / 1024 / 1024} MiB came in answer`, { cause });
    this.mostBytes = mostBytes;
  }
}

/**
 * While `work` waits for a short answer, a server that sends without end is cut off: a driver keeps all of a message, and all rows, until
 * the last of them. It may be some more bytes than `mostBytes` by then.
 * @throws TooManyBytesError; what `work` throws
 */
export async function whileFewBytesCome<T>(socket: Socket, mostBytes: number, work: () => Promise<T>): Promise<T> {
  const before = socket.bytesRead;
  let isTooMuch = false;
  const look = setInterval(() => {
    if (socket.bytesRead - before <= mostBytes) return;
    isTooMuch = true;
    socket.destroy();
  }, LOOK_EVERY_MS);
  try {
    return await work();
  } catch (error) {
    throw isTooMuch ? new TooManyBytesError(mostBytes, error) : error;
  } finally {
    clearInterval(look);
  }
}

interface Driver {
  attachListeners(stream: Socket): void;
}

/**
 * Before it connects: bytes that the driver's parser trips over break this connection. They would end the process otherwise, since they
 * are parsed while the socket tells of them, where nobody catches.
 */
export function breakOnlyItself(connection: object): void {
  const driver = connection as Driver;
  const attach = driver.attachListeners.bind(driver);
  driver.attachListeners = (stream) => {
    let hasBegun = false;
    const on = (event: string, listener: (...said: unknown[]) => void) =>
      stream.on(event, (...said: unknown[]) => {
        try {
          if (event === "data" && !hasBegun) {
            requireBeginning(said[0]);
            hasBegun = true;
          }
          listener(...said);
        } catch (error) {
          stream.destroy(new UnreadableAnswerError("what came is no message of Postgres", { cause: error }));
        }
      });
    attach(Object.assign(Object.create(stream), { on }));
  };
}

/**
 * The first message is about the login, or refuses it, or is a notice. The greeting of another protocol may read as the beginning of a long
 * message of another kind, which the driver would wait for.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
 */
const FIRST_MESSAGES = Buffer.from("REvN");

function requireBeginning(bytes: unknown): void {
  if (!(bytes instanceof Uint8Array) || bytes[0] === undefined || FIRST_MESSAGES.includes(bytes[0])) return;
  throw new Error(`the first byte is ${bytes[0]}`);
}

/** What answers does not speak the protocol of Postgres. */
export class UnreadableAnswerError extends Error {
  override readonly name = "UnreadableAnswerError";
}
