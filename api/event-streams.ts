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
/** In this process. */
const MAX_STREAMS = 200;
const EVENTS_AT_ONCE = 500;

export interface StreamRequest {
  runId: string;
  /** The `seq` of the last event that the client has. */
  after: number;
}

/** Answers that follow runs, as server-sent events. */
export function createEventStreams({ db, log, stopping }: Pick<ApiDeps, "db" | "log" | "stopping">) {
  const look = createLook(db);
  let open = 0;

  /** @throws AppError too_many_streams */
  return (c: Context<AppEnv>, request: StreamRequest): Response => {
    if (open >= MAX_STREAMS) {
      throw new AppError("too_many_streams", `${MAX_STREAMS} streams of events are open here. Try again later.`);
    }
    open++;
    c.header("x-accel-buffering", "no");
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const over = stopping ? AbortSignal.any([gone.signal, stopping]) : gone.signal;
      try {
        await followRun(stream, request, over);
      } catch (err) {
        // The client comes back by itself, with the last event's id.
        log.error({ requestId: c.get("requestId"), err }, "a stream of events broke");
      } finally {
        open--;
      }
    });
  };

  async function followRun(stream: SSEStreamingApi, { runId, after }: StreamRequest, over: AbortSignal): Promise<void> {
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
