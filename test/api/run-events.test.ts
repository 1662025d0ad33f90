import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { OPEN_ACCESS } from "../../api/access.ts";
import { createApp } from "../../api/app.ts";
import { insertRejectedRows } from "../../db/rejected-rows.ts";
import { endRun, requestCancel } from "../../db/runs.ts";
import { createFaultProxy } from "../support/fault-proxy.ts";
import { createControlDatabase, openDb } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";
import { type Api, createApi, itemsOf, type Json } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const newRun = async (): Promise<string> => (await admit(api.db, await insertSync(api.db))).id;

const fail = (runId: string) =>
  endRun(api.db, {
    ...{ runId, event: "fail", reasonCode: "source_timeout", error: "slow" },
    ...{ slicesTotal: null, slicesDone: 0, summary: {}, fenced: true },
  });

const eventsPath = (runId: string) => `/api/v1/syncs/runs/${runId}/events`;

interface SentEvent {
  id: string | null;
  event: string;
  data: Json;
}

/** A stream as a client reads it: event by event. */
interface Stream {
  response: Response;
  next(): Promise<SentEvent | null>;
  /** Until it is over. */
  rest(): Promise<SentEvent[]>;
  /** Everything that came, comments too. */
  text(): string;
  leave(): Promise<void>;
}

function readStream(response: Response): Stream {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) throw new Error("no body");
  let all = "";
  let rest = "";
  const next = async (): Promise<SentEvent | null> => {
    for (;;) {
      const end = rest.indexOf("\n\n");
      if (end === -1) {
        const { value, done } = await reader.read();
        if (done) return null;
        all += value;
        rest += value;
        continue;
      }
      const fields = new Map(
        rest
          .slice(0, end)
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(": ") + 2)] as const),
      );
      rest = rest.slice(end + 2);
      const event = fields.get("event");
      if (event !== undefined)
        return { id: fields.get("id") ?? null, event, data: JSON.parse(fields.get("data") ?? "") };
    }
  };
  return {
    response,
    next,
    async rest() {
      const events: SentEvent[] = [];
      for (let event = await next(); event !== null; event = await next()) events.push(event);
      return events;
    },
    text: () => all,
    leave: () => reader.cancel(),
  };
}

async function openStream(runId: string, headers: Record<string, string> = {}, query = ""): Promise<Stream> {
  const url = `http://127.0.0.1${eventsPath(runId)}${query}`;
  const stream = readStream(
    await api.fetch(new Request(url, { headers: { accept: "text/event-stream", ...headers } })),
  );
  onTestFinished(() => stream.leave());
  return stream;
}

describe("pages of events", () => {
  it("follow each other by lastSeq, oldest event first", async () => {
    const runId = await newRun();
    await requestCancel(api.db, { runId, actor: "user:a", reason: null });
    const first = await api.call("GET", `/syncs/runs/${runId}/events?limit=2`);
    expect(first.body).toMatchObject({
      events: [
        { seq: 1, kind: "run.admitted", data: { status: "pending", attemptNumber: 1 }, at: expect.any(String) },
        { seq: 2, kind: "run.cancel_requested", data: { requestedBy: "user:a" } },
      ],
      ...{ hasNext: true, lastSeq: 2, limit: 2 },
    });
    const second = await api.call("GET", `/syncs/runs/${runId}/events?after=${first.body.lastSeq}`);
    expect(second.body).toMatchObject({
      events: [{ seq: 3, kind: "run.ended" }],
      hasNext: false,
      lastSeq: 3,
      limit: 100,
    });
    const third = await api.call("GET", `/syncs/runs/${runId}/events?after=3`);
    expect(third.body).toEqual({ events: [], hasNext: false, lastSeq: 3, limit: 100 });
  });

  it("of a deleted sync's run are still there", async () => {
    const sync = await api.createSync();
    const runId = (await api.call("POST", `/syncs/${sync.id}/trigger`)).body.id;
    expect((await api.call("DELETE", `/syncs/${sync.id}`)).status).toBe(204);
    const page = await api.call("GET", `/syncs/runs/${runId}/events`);
    expect(page.body.events.map((event: Json) => event.kind)).toContain("run.ended");
  });

  it.each([
    ["?after=-1", '["query","after"] greater_than_equal'],
    ["?after=2147483648", '["query","after"] less_than_equal'],
    ["?after=x", '["query","after"] int_parsing'],
    ["?limit=0", '["query","limit"] greater_than_equal'],
    ["?limit=1001", '["query","limit"] less_than_equal'],
  ])("%s is a 422 that says where", async (query, item) => {
    const answer = await api.call("GET", `/syncs/runs/${await newRun()}/events${query}`);
    expect([answer.status, itemsOf(answer)]).toEqual([422, [item]]);
  });

  it("of a run that is not there are a 404, as a stream too", async () => {
    expect((await api.call("GET", `/syncs/runs/${randomUUID()}/events`)).status).toBe(404);
    expect((await openStream(randomUUID())).response.status).toBe(404);
  });
});

describe("a stream of events", () => {
  it("tells what has happened, then what happens, and ends with the run", async () => {
    const runId = await newRun();
    const stream = await openStream(runId);
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    const page = (await api.call("GET", `/syncs/runs/${runId}/events`)).body.events;
    expect(await stream.next()).toEqual({ id: "1", event: "run.admitted", data: page[0] });
    await begin(api.db, runId);
    expect(await stream.next()).toMatchObject({ id: "2", event: "run.dispatched" });
    expect(await stream.next()).toMatchObject({ id: "3", event: "run.begun" });
    await fail(runId);
    expect(await stream.rest()).toMatchObject([
      { id: "4", event: "run.ended", data: { seq: 4, kind: "run.ended", data: { status: "failed", error: "slow" } } },
      { id: null, event: "end", data: { status: "failed" } },
    ]);
  });

  it("goes on behind Last-Event-ID, which goes before the query", async () => {
    const runId = await newRun();
    await begin(api.db, runId);
    await fail(runId);
    const events = async (headers: Record<string, string>, query = "") =>
      (await (await openStream(runId, headers, query)).rest()).map(({ id, event }) => [id, event]);
    const end = [null, "end"];
    expect(await events({ "last-event-id": "2" }, "?after=0")).toEqual([["3", "run.begun"], ["4", "run.ended"], end]);
    expect(await events({}, "?after=3")).toEqual([["4", "run.ended"], end]);
    expect(await events({ "last-event-id": "4" })).toEqual([end]);
    expect(await events({ "last-event-id": "99" })).toEqual([end]);
  });

  it.each([["x"], ["-1"], ["1.5"], ["2147483648"], ["99999999999999999999"], [""]])(
    "Last-Event-ID %j is a 422 that says where",
    async (lastEventId) => {
      const answer = await api.send("GET", eventsPath(await newRun()), {
        headers: { accept: "text/event-stream", "last-event-id": lastEventId },
      });
      expect(answer.status).toBe(422);
      expect(answer.body.detail).toMatchObject([{ loc: ["header", "last-event-id"] }]);
    },
  );

  it("is only for those who ask for it first of all", async () => {
    const runId = await newRun();
    const accept = async (header: string) => {
      const stream = await openStream(runId, { accept: header });
      await stream.leave();
      return stream.response.headers.get("content-type");
    };
    expect(await accept("*/*")).toBe("application/json");
    expect(await accept("application/json, text/event-stream;q=0.5")).toBe("application/json");
    expect(await accept("text/event-stream, application/json;q=0.5")).toBe("text/event-stream");
    const head = await api.fetch(
      new Request(`http://127.0.0.1${eventsPath(runId)}`, { method: "HEAD", headers: { accept: "text/event-stream" } }),
    );
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "application/json"]);
  });

  it("beyond the bound is a 503 with Retry-After, until somebody leaves", async () => {
    const runId = await newRun();
    const streams: Stream[] = [];
    for (;;) {
      const stream = await openStream(runId);
      if (stream.response.status !== 200) {
        expect(stream.response.status).toBe(503);
        expect(stream.response.headers.get("retry-after")).toMatch(/^\d+$/);
        break;
      }
      streams.push(stream);
      expect(streams.length).toBeLessThanOrEqual(200);
    }
    for (const stream of streams) expect(await stream.next()).toMatchObject({ event: "run.admitted" });
    await streams[0]?.leave();
    await expect.poll(async () => (await openStream(runId)).response.status, { timeout: 10_000 }).toBe(200);
    await Promise.all(streams.map((stream) => stream.leave()));
  });

  it("outlives an absent database, and says that it is there while nothing happens", { timeout: 60_000 }, async () => {
    const database = await createControlDatabase();
    const url = new URL(database.url);
    const proxy = await createFaultProxy({ targetPort: Number(url.port) });
    const direct = openDb(url.href);
    url.port = String(proxy.port);
    const apart = await createApi({ db: openDb(url.href) });
    onTestFinished(async () => {
      await apart.close();
      await direct.destroy();
      await proxy.close();
      await database.drop();
    });
    const run = await admit(direct, await insertSync(direct));
    const headers = { accept: "text/event-stream" };
    const stream = readStream(await apart.fetch(new Request(`http://127.0.0.1${eventsPath(run.id)}`, { headers })));
    expect(await stream.next()).toMatchObject({ event: "run.admitted" });
    proxy.refuse();
    const told = stream.next();
    await expect.poll(() => stream.text(), { timeout: 25_000, interval: 500 }).toContain("\n: still here\n");
    expect(apart.logLines.join()).toContain("the events of a run cannot be read now");
    proxy.heal();
    await begin(direct, run.id);
    expect(await told).toMatchObject({ id: "2", event: "run.dispatched" });
    await stream.leave();
  });

  it("over a socket ends when the server stops, and is given up when the client is gone", async () => {
    const stopping = new AbortController();
    const app = createApp({
      ...{ db: api.db, keyring: api.keyring, control: api.control, access: OPEN_ACCESS, findProvider: () => null },
      log: pino({ level: "silent" }),
      stopping: stopping.signal,
    });
    const server = createServer(getRequestListener(app.fetch));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const runId = await newRun();
    const connect = async (signal?: AbortSignal) =>
      readStream(
        await fetch(`http://127.0.0.1:${address.port}${eventsPath(runId)}`, {
          headers: { accept: "text/event-stream" },
          ...(signal ? { signal } : {}),
        }),
      );
    const leaver = new AbortController();
    const [left, stays] = [await connect(leaver.signal), await connect()];
    for (const stream of [left, stays]) expect(await stream.next()).toMatchObject({ event: "run.admitted" });
    leaver.abort();
    const connections = () =>
      new Promise<number>((resolve, reject) =>
        server.getConnections((error, n) => (error ? reject(error) : resolve(n))),
      );
    await expect.poll(connections, { timeout: 5_000 }).toBe(1);
    await begin(api.db, runId);
    expect(await stays.next()).toMatchObject({ event: "run.dispatched" });
    stopping.abort();
    expect((await stays.rest()).map(({ event }) => event)).not.toContain("end");
  });
});

describe("rejected rows", () => {
  it("are paged, by entity if wanted, in the order in which they were read", async () => {
    const runId = await newRun();
    const row = (entityKey: string, sliceNo: number, rowNo: number) => ({
      ...{ entityKey, sliceNo, rowNo, column: rowNo === 1 ? null : "amount" },
      ...{ reason: "invalid input syntax for type integer (22P02)", record: '{"amount": "x"}' },
    });
    await insertRejectedRows(api.db, runId, [row("b", 1, 7), row("a", 0, 2), row("a", 0, 1)]);
    const path = `/syncs/runs/${runId}/rejected-rows`;
    const all = await api.call("GET", `${path}?limit=2`);
    expect(all.body).toEqual({
      ...{ hasNext: true, limit: 2, offset: 0, total: 3 },
      rejectedRows: [row("a", 0, 1), row("a", 0, 2)].map(({ column, ...rest }) => ({ ...rest, columnName: column })),
    });
    const ofB = await api.call("GET", `${path}?entityKey=b`);
    expect(ofB.body).toMatchObject({ total: 1, rejectedRows: [{ entityKey: "b", sliceNo: 1, rowNo: 7 }] });
    for (const none of ["c", "%00", "%ED%A0%80"]) {
      expect((await api.call("GET", `${path}?entityKey=${none}`)).body).toMatchObject({ total: 0, rejectedRows: [] });
    }
    expect((await api.call("GET", `/syncs/runs/${randomUUID()}/rejected-rows`)).status).toBe(404);
  });
});
