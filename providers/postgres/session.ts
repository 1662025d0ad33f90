import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { QueryResultRow } from "pg";
import type { Pulse } from "../../core/pulse.ts";
import { type Access, type Connection, openConnection } from "./connection.ts";
import { type CopyOut, createCopyOut } from "./copy-out.ts";
import { toProviderError } from "./errors.ts";
import { watchOf } from "./watch.ts";

/** A network that swallows everything must not hold up whoever closes. */
const CLOSE_PATIENCE_MS = 500;

/** One source session, opened when it is first needed and again after it broke. One statement at a time. */
export interface Session {
  /** @param doing for the error message, such as `discovery` */
  query<Row extends QueryResultRow>(doing: string, text: string, values?: unknown[]): Promise<Row[]>;
  /**
   * Starts `copy ... to stdout`, which may follow other statements. A stream that is destroyed early takes the session with it.
   * @param beforeEnd once everything has come, before the stream ends; fails it by what it throws, and may use the session
   */
  copyOut(doing: string, text: string, beforeEnd: () => Promise<void>): Promise<CopyOut>;
  /** Of the server. */
  majorVersion(doing: string): Promise<number>;
  /** What the server does about our statement. */
  look(): Promise<Pulse>;
  close(): Promise<void>;
}

export function createSession(access: Access, signal: AbortSignal): Session {
  let main: Connection | null = null;
  let opening = false;
  /** What the server works on: a COPY by its stream, a query by its promise. */
  let inFlight: Readable | Promise<unknown> | null = null;
  let cancelling: Promise<void> = Promise.resolve();

  async function connected(): Promise<Connection> {
    // A stream that nobody read to its end would keep the next statement waiting for ever.
    if (inFlight instanceof Readable) cancelStatement();
    if (main?.isOpen()) return main;
    opening = true;
    try {
      main = await openConnection(access, signal);
      return main;
    } finally {
      opening = false;
    }
  }

  function failure(error: unknown, doing: string): unknown {
    return signal.aborted ? signal.reason : toProviderError(error, doing);
  }

  /** The server would work on a forgotten statement until it next writes to us: it has to be told. */
  function cancelStatement(): void {
    if (main === null || inFlight === null) return;
    const { pid } = main;
    main.destroy();
    main = null;
    inFlight = null;
    // When it cannot be told, it finds out by client_connection_check_interval.
    cancelling = cancelBackend(access, pid).catch(() => undefined);
  }
  signal.addEventListener("abort", cancelStatement, { once: true });

  return {
    async query<Row extends QueryResultRow>(doing: string, text: string, values: unknown[] = []) {
      try {
        const { client, ask } = await connected();
        const answer = ask(() => client.query<Row>(text, values));
        inFlight = answer;
        return (await answer).rows;
      } catch (error) {
        throw failure(error, doing);
      } finally {
        inFlight = null;
      }
    },

    async copyOut(doing, text, beforeEnd) {
      try {
        const { client, buffers } = await connected();
        const stream = createCopyOut(text, buffers, {
          toError: (error) => asError(failure(error, doing)),
          beforeEnd: () => {
            inFlight = null;
            return beforeEnd();
          },
        });
        // It may fail before anyone reads it; whoever reads it gets the error then.
        stream.on("error", () => undefined);
        stream.once("close", () => {
          if (inFlight === stream) cancelStatement();
        });
        inFlight = stream;
        client.query(stream);
        return stream;
      } catch (error) {
        throw failure(error, doing);
      }
    },

    async majorVersion(doing) {
      try {
        return (await connected()).majorVersion;
      } catch (error) {
        throw failure(error, doing);
      }
    },

    async look() {
      // To connect has a deadline.
      if (opening) return "waiting";
      if (main === null || inFlight === null) return "none";
      try {
        return await watchOf(access).look(main);
      } catch (error) {
        throw failure(error, "looking at the open statement");
      }
    },

    async close() {
      signal.removeEventListener("abort", cancelStatement);
      cancelStatement();
      const goodbyes = [cancelling, main?.client.end()];
      await Promise.race([Promise.all(goodbyes), sleep(CLOSE_PATIENCE_MS)]);
      main?.destroy();
    },
  };
}

async function cancelBackend(access: Access, pid: number): Promise<void> {
  const { client } = await openConnection(access, null);
  try {
    await client.query("select pg_cancel_backend($1)", [pid]);
  } finally {
    await client.end();
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
