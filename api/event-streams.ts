import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { AppError } from "../core/errors.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import type { Db } from "../db/client.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { listEvents, readEventPosition } from "../db/run-events.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { presentRunEvent } from "./present.ts";

/** Of one run, whatever the number of streams that follow it. */
const LOOK_INTERVAL_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** In this process: in all, and of one caller. */
const MAX_STREAMS = 400;
const MAX_STREAMS_OF_CALLER = 100;
/** A client that takes nothing for so long is gone, or keeps others from the streams. */
const STALLED_MS = 60_000;
/** What a timer can wait. */
const MAX_TIMER_MS = 2_147_483_647;
const EVENTS_AT_ONCE = 500;

export interface StreamRequest {
  runId: string;
  /** The `seq` of the last event that the client has. */
  after: number;
}

/** Answers that follow runs, as server-sent events. */
export function createEventStreams({ db, log, stopping }: Pick<ApiDeps, "db" | "log" | "stopping">) {
  const look = createLook(db);
  const openOf = new Map<string, number>();
  let open = 0;

  /** @throws AppError too_many_streams, also for a caller that has too many of its own */
  return (c: Context<AppEnv>, request: StreamRequest): Response => {
    const actor = c.get("actor");
    takePlace(actor);
    c.header("x-accel-buffering", "no");
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const expiry = endAt(c.get("expiresAt"), gone);
      const over = stopping ? AbortSignal.any([gone.signal, stopping]) : gone.signal;
      const watched = watchWrites(stream, over, () => c.env?.outgoing?.destroy());
      try {
        await followRun(watched, request, over);
      } catch (err) {
        // The client comes back by itself, with the last event's id.
        log.error({ requestId: c.get("requestId"), err }, "a stream of events broke");
      } finally {
        clearTimeout(expiry);
        leavePlace(actor);
      }
    });
  };

  function takePlace(actor: string): void {
    const own = openOf.get(actor) ?? 0;
    const ofCaller = own >= MAX_STREAMS_OF_CALLER;
    if (ofCaller || open >= MAX_STREAMS) {
      const what = ofCaller
        ? `You have ${MAX_STREAMS_OF_CALLER} streams of events`
        : `${MAX_STREAMS} streams of events are`;
      throw new AppError("too_many_streams", `${what} open here. Try again when one of them has ended.`);
    }
    open++;
    openOf.set(actor, own + 1);
  }

  function leavePlace(actor: string): void {
    const left = (openOf.get(actor) ?? 1) - 1;
    if (left === 0) openOf.delete(actor);
    else openOf.set(actor, left);
    open--;
  }

  async function followRun(stream: EventWriter, { runId, after }: StreamRequest, over: AbortSignal): Promise<void> {
    let sent = after;
    let saidAt = Date.now();
    await stream.write("retry: 2000\n\n");
    while (!over.aborted) {
      try {
        const position = await look(runId);
        if (position === null) return;
        while (sent < position.lastSeq && !over.aborted) {
          const { events } = await listEvents(db, { runId, after: sent, limit: EVENTS_AT_ONCE });
          for (const event of events) {
            const data = JSON.stringify(presentRunEvent(event));
            await stream.writeSSE({ id: String(event.seq), event: event.kind, data });
          }
          sent = events.at(-1)?.seq ?? position.lastSeq;
          saidAt = Date.now();
        }
        if (isTerminal(position.status) && !over.aborted) {
          return await stream.writeSSE({ event: "end", data: JSON.stringify({ status: position.status }) });
        }
      } catch (err) {
        // It comes back, and who listens need not know.
        if (!isDatabaseUnavailable(err)) throw err;
        log.warn({ err, runId }, "the events of a run cannot be read now");
      }
      if (Date.now() - saidAt >= HEARTBEAT_MS) {
        await stream.write(": still here\n\n");
        saidAt = Date.now();
      }
      await pause(LOOK_INTERVAL_MS, over);
    }
  }
}

type EventWriter = Pick<SSEStreamingApi, "write" | "writeSSE">;

/** Who was let in until then has to show something new. @returns the timer, to be cleared */
function endAt(expiresAt: Date | null, gone: AbortController): NodeJS.Timeout | undefined {
  if (expiresAt === null) return undefined;
  const leftMs = Math.max(0, expiresAt.getTime() - Date.now());
  return setTimeout(() => gone.abort(), Math.min(leftMs, MAX_TIMER_MS));
}

/**
 * Writes that nobody waits for longer than a client may stall, or the stream may last. A write is over when the client has taken it.
 * @param hangUp ends the connection: what is written no longer reaches anybody
 */
function watchWrites(stream: SSEStreamingApi, over: AbortSignal, hangUp: () => void): EventWriter {
  async function watch(write: Promise<unknown>): Promise<void> {
    const ended = Promise.withResolvers<"ended">();
    const end = (): void => ended.resolve("ended");
    const timer = setTimeout(end, STALLED_MS);
    over.addEventListener("abort", end);
    try {
      if ((await Promise.race([write, ended.promise])) !== "ended") return;
      hangUp();
      stream.abort();
    } finally {
      clearTimeout(timer);
      over.removeEventListener("abort", end);
    }
  }
  return {
    async write(text) {
      await watch(stream.write(text));
      return stream;
    },
    writeSSE: (event) => watch(stream.writeSSE(event)),
  };
}

/** How far a run has come, as all who ask within the interval are told. */
function createLook(db: Db): (runId: string) => ReturnType<typeof readEventPosition> {
  const looks = new Map<string, ReturnType<typeof readEventPosition>>();
  return (runId) => {
    const known = looks.get(runId);
    if (known !== undefined) return known;
    const look = readEventPosition(db, runId);
    looks.set(runId, look);
    const forget = (): void => void setTimeout(() => looks.delete(runId), LOOK_INTERVAL_MS).unref();
    look.then(forget, forget);
    return look;
  };
}

/** At most so long: not when it is over. */
function pause(durationMs: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      over.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    over.addEventListener("abort", end);
    if (over.aborted) end();
  });
}
