import { describe, expect, it } from "vitest";
import { fixedWindow, type Limit } from "../../../../providers/lib/http/admission.ts";
import {
  readRateLimitHeaders,
  readRatePerSecond,
  readUsedOfLimit,
  worthTelling,
} from "../../../../providers/lib/http/settlements.ts";
import type { Leave, SharedConnection, Spend } from "../../../../providers/provider.ts";
import type { LeaseRequest } from "../../../../providers/shared-connection.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { GET, openClient, sendJson, serve } from "./local-http.ts";

const points: Spend = { bucket: "points", cost: 50, perSecond: 100, burst: 2_000 };
const app: Spend = { bucket: "app", cost: 1, perSecond: 20, burst: 20 };
const limitOf = (changes: Partial<Limit> = {}): Limit => ({ concurrency: 4, spends: [points, app], ...changes });

/** Notes what it is asked. */
function createNotes(changes: Partial<SharedConnection> = {}) {
  const notes: unknown[] = [];
  const shared: SharedConnection = {
    ...createSharedConnection(),
    async settle(spends, settlements) {
      notes.push({ spends, settlements });
    },
    async lease({ name, limit }) {
      notes.push(`lease ${name} ${limit}`);
      return true;
    },
    async release({ name }) {
      notes.push(`release ${name}`);
    },
    ...changes,
  };
  return { notes, shared };
}

describe("a request", () => {
  it("takes what it says itself, or else what all requests take", async () => {
    const asked: (readonly Spend[])[] = [];
    const { shared } = createNotes({
      async reserve(spends) {
        asked.push(spends);
        return { given: true, waitMs: 0, place: 1 };
      },
    });
    const local = await serve((_, response) => sendJson(response, []));
    const client = openClient({ baseUrl: local.origin, shared, limit: limitOf() });
    await client.send(GET);
    const own = [{ ...points, cost: 7 }];
    await client.send({ ...GET, spends: own });
    expect(asked).toEqual([[points, app], own]);
  });

  it("asks again for as long as it keeps its place, and is sent once it has leave", async () => {
    const leaves: Leave[] = [
      { given: false, waitMs: 300, place: 5 },
      { given: false, waitMs: 40, place: 5 },
      { given: true, waitMs: 20, place: 5 },
    ];
    const places: (number | undefined)[] = [];
    const { shared } = createNotes({
      async reserve(_, place) {
        places.push(place);
        return leaves.shift() ?? { given: false, waitMs: 0, place: 0 };
      },
    });
    const local = await serve((_, response) => sendJson(response, []));
    const client = openClient({ baseUrl: local.origin, shared, limit: limitOf() });
    expect((await client.send(GET)).status).toBe(200);
    expect(places).toEqual([undefined, 5, 5]);
  });

  it("that would wait for long is not sent, and says when its turn is, with time to come back before", async () => {
    const { shared } = createNotes({ reserve: async () => ({ given: false, waitMs: 60_000, place: 5 }) });
    const local = await serve((_, response) => sendJson(response, []));
    const client = openClient({ baseUrl: local.origin, shared, limit: limitOf() });
    await expect(client.send(GET)).rejects.toMatchObject({ reasonCode: "source_rate_limited", retryAfterSeconds: 56 });
    expect(local.received).toEqual([]);
  });

  it("that is far behind in the queue comes back within the hour in which a run waits, so that it keeps its place", async () => {
    const local = await serve((_, response) => sendJson(response, []));
    const secondsUntilBack = async (leave: Partial<Leave>) => {
      const { shared } = createNotes({
        reserve: async () => ({ given: false, waitMs: 7_200_000, place: 5, ...leave }),
      });
      const sent = openClient({ baseUrl: local.origin, shared, limit: limitOf() }).send(GET);
      return sent.then(
        () => null,
        (error: { retryAfterSeconds: number }) => error.retryAfterSeconds,
      );
    };
    expect(await secondsUntilBack({})).toBe(3_300);
    expect(await secondsUntilBack({ blockedMs: 60_000 })).toBe(3_300);
    // The source has said so itself.
    expect(await secondsUntilBack({ blockedMs: 7_000_000 })).toBe(7_196);
  });

  it("of one client asks for itself alone: the others are told later, in the order in which they came", async () => {
    let asking = 0;
    let most = 0;
    const { shared } = createNotes({
      async reserve() {
        most = Math.max(most, ++asking);
        await new Promise((resolve) => setTimeout(resolve, 5));
        asking -= 1;
        return { given: true, waitMs: 0, place: 1 };
      },
    });
    const local = await serve((_, response) => sendJson(response, []));
    const client = openClient({ baseUrl: local.origin, shared, limit: limitOf() });
    await Promise.all([0, 1, 2, 3].map((page) => client.send({ ...GET, url: `orders/${page}` })));
    expect(most).toBe(1);
    expect(local.received).toHaveLength(4);
  });

  it("that had to open a connection first is counted as of when it went out, where the limit is slow", async () => {
    const { notes, shared } = createNotes();
    const local = await serve((_, response) => sendJson(response, []));
    const slow = { bucket: "slow", cost: 1, perSecond: 1, burst: 3 };
    const client = openClient({
      ...{ baseUrl: `http://far.test:${local.port}`, shared, limit: limitOf({ spends: [slow, app] }) },
      async resolve() {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return ["127.0.0.1"];
      },
    });
    await client.send(GET);
    expect(notes).toEqual([{ spends: [slow, app], settlements: [{ bucket: "slow", remaining: 2 }] }]);
  });

  it("that the source refuses for now blocks the first bucket for all, and comes back with its place", async () => {
    const blocked: string[] = [];
    const places: (number | undefined)[] = [];
    const { shared } = createNotes({
      block: async (bucket) => void blocked.push(bucket),
      async reserve(_, place) {
        places.push(place);
        return { given: place === undefined, waitMs: place === undefined ? 0 : 90_000, place: 8 };
      },
    });
    const local = await serve((_, response) => response.writeHead(429, { "retry-after": "60" }).end());
    const client = openClient({ baseUrl: local.origin, shared, limit: limitOf() });
    // Others are served before, by which time its turn is later than the source has said.
    await expect(client.send(GET)).rejects.toMatchObject({ retryAfterSeconds: 86 });
    expect([blocked, places]).toEqual([["points"], [undefined, 8]]);
  });
});

describe("a limit that is declared", () => {
  const local = () => serve((_, response) => sendJson(response, []));

  it.each([
    ["nothing comes back", { perSecond: 0 }],
    ["nothing is held", { burst: 0 }],
    ["a request gives back", { cost: -1 }],
    ["the rate is no number", { perSecond: Number.NaN }],
  ])("is refused where %s", async (_, wrong) => {
    const { origin } = await local();
    const limit = limitOf({ spends: [{ ...points, ...wrong }] });
    await expect(openClient({ baseUrl: origin, limit }).send(GET)).rejects.toMatchObject({
      ...{ reasonCode: "config_invalid", message: expect.stringMatching(/The limit points cannot be kept/) },
    });
  });

  it("counts all that a request takes of a bucket that is named twice", async () => {
    const asked: (readonly Spend[])[] = [];
    const { shared } = createNotes({
      async reserve(spends) {
        asked.push(spends);
        return { given: true, waitMs: 0, place: 1 };
      },
    });
    const { origin } = await local();
    await openClient({ baseUrl: origin, shared, limit: limitOf() }).send({ ...GET, spends: [points, app, points] });
    expect(asked).toEqual([[{ ...points, cost: 100 }, app]]);
  });
});

describe("what an answer says of the limits", () => {
  it("is told to all, whatever its status", async () => {
    const { notes, shared } = createNotes();
    const local = await serve((_, response) =>
      response
        .writeHead(local.received.length > 1 ? 404 : 200, { "content-type": "application/json" })
        .end(`{"cost":{"actual":12,"left":30}}`),
    );
    const limit = limitOf({ settle: () => [{ bucket: "points", cost: 12, remaining: 30 }] });
    const client = openClient({ baseUrl: local.origin, shared, limit });
    await client.send(GET);
    await expect(client.send(GET)).rejects.toMatchObject({ reasonCode: "source_resource_not_found" });
    const told = { spends: [points, app], settlements: [{ bucket: "points", cost: 12, remaining: 30 }] };
    expect(notes).toEqual([told, told]);
  });

  it("costs no statement where it is as expected", async () => {
    const { notes, shared } = createNotes();
    const local = await serve((_, response) => sendJson(response, []));
    const limit = limitOf({ settle: () => [{ bucket: "points", cost: 50, remaining: 1_900, perSecond: 100 }] });
    await openClient({ baseUrl: local.origin, shared, limit }).send(GET);
    expect(notes).toEqual([]);
  });

  it("is told once where it is a new limit, and not where it makes no sense", () => {
    const isNew = worthTelling();
    const said = [{ bucket: "points", perSecond: 200, burst: 4_000 }];
    expect([isNew([points], said), isNew([points], said)]).toEqual([said, []]);
    expect(isNew([points], [{ bucket: "points", perSecond: 0, burst: Number.NaN }])).toEqual([]);
    expect(isNew([points], [{ bucket: "unknown", remaining: 0 }])).toEqual([]);
  });

  it("keeps nobody waiting for longer than a day, whatever it says", () => {
    const said = { bucket: "points", perSecond: 1e-300, cost: 1e12, blockedSeconds: 1e12 };
    const [told] = worthTelling()([points], [said]);
    expect(told).toEqual({ bucket: "points", perSecond: 1 / 86_400, cost: points.burst + 1, blockedSeconds: 86_400 });
  });

  it.each<[string, Record<string, string>, unknown[]]>([
    ["nothing", {}, []],
    ["what is left", { "ratelimit-remaining": "7", "ratelimit-reset": "30" }, [{ bucket: "b", remaining: 7 }]],
    [
      "nothing left",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" },
      [{ bucket: "b", remaining: 0, blockedSeconds: 30 }],
    ],
    ["an instant", { "ratelimit-remaining": "0", "ratelimit-reset": "1900000000" }, [{ bucket: "b", remaining: 0 }]],
    [
      "several quotas",
      { ratelimit: '"burst";r=9;t=1, "daily";r=0;t=900' },
      [{ bucket: "b", remaining: 0, blockedSeconds: 900 }],
    ],
    ["no number", { "ratelimit-remaining": "some" }, []],
  ])("is read from the headers RateLimit-*: %s", (_, headers, expected) => {
    expect(readRateLimitHeaders({ headers: new Headers(headers) }, "b")).toEqual(expected);
  });

  it("is read from a header of calls, and from one of a rate", () => {
    const headers = new Headers({ "x-calls": "12/80", "x-rate": "0.0167", "x-odd": "12/0" });
    expect(readUsedOfLimit({ headers }, "x-calls", "b")).toEqual([{ bucket: "b", remaining: 68, burst: 80 }]);
    expect(readUsedOfLimit({ headers }, "x-odd", "b")).toEqual([]);
    expect(readRatePerSecond({ headers }, "x-rate", "b")).toEqual([{ bucket: "b", perSecond: 0.0167 }]);
    expect(readRatePerSecond({ headers }, "x-calls", "b")).toEqual([]);
  });
});

describe("a limit of fixed windows", () => {
  it.each([
    [15, 1],
    [150, 60],
    [1, 60],
  ])("of %d in %d s allows no more in any time as long", (limit, seconds) => {
    const { burst, perSecond } = fixedWindow("b", limit, seconds);
    expect(burst + perSecond * seconds).toBeLessThanOrEqual(Math.max(limit, burst + limit / 2));
  });
});

describe("what is limited in flight", () => {
  it("holds a lease from before the request is sent until it is answered, also by an error", async () => {
    const { notes, shared } = createNotes();
    const local = await serve((_, response) => {
      notes.push("asked");
      response.writeHead(404).end();
    });
    const limit = limitOf({ inFlight: { name: "requests", limit: 5 } });
    await expect(openClient({ baseUrl: local.origin, shared, limit }).send(GET)).rejects.toThrow("404");
    expect(notes).toEqual(["lease requests 5", "asked", "release requests"]);
  });

  it("waits no longer than its activity can, and keeps its place in the queue by a name that the next activity has too", async () => {
    const asked: LeaseRequest[] = [];
    const { notes, shared } = createNotes({
      patienceSeconds: () => 0.1,
      async lease(request) {
        asked.push(request);
        return false;
      },
    });
    const local = await serve((_, response) => sendJson(response, []));
    const limit = limitOf({ inFlight: { name: "requests", limit: 5 } });
    for (const _ of ["one activity", "the next one"]) {
      const client = openClient({ baseUrl: local.origin, shared, limit });
      await expect(client.send(GET)).rejects.toMatchObject({
        ...{ reasonCode: "source_rate_limited", retryAfterSeconds: 10 },
        message: expect.stringMatching(/as many requests are in flight/),
      });
    }
    expect([local.received, notes]).toEqual([[], []]);
    expect(new Set(asked.map(({ job }) => job)).size).toBe(1);
    // It is away from now on.
    expect(asked.at(-1)?.seconds).toBe(1);
  });

  it("is several places for requests side by side", async () => {
    const held = new Set<string | undefined>();
    let most = 0;
    const { shared } = createNotes({
      async lease({ job }) {
        held.add(job);
        most = Math.max(most, held.size);
        return true;
      },
      release: async ({ job }) => void held.delete(job),
    });
    const local = await serve((_, response) => setTimeout(() => sendJson(response, []), 50));
    const limit = limitOf({ inFlight: { name: "requests", limit: 5 } });
    const client = openClient({ baseUrl: local.origin, shared, limit });
    await Promise.all([1, 2, 3, 4].map((page) => client.send({ ...GET, url: `orders/${page}` })));
    expect([most, held.size]).toEqual([4, 0]);
  });

  it("waits for a place, and gives the wait up when it is aborted", async () => {
    const { notes, shared } = createNotes({ lease: async () => false });
    const local = await serve((_, response) => sendJson(response, []));
    const controller = new AbortController();
    const limit = limitOf({ inFlight: { name: "requests", limit: 5 } });
    const client = openClient({ baseUrl: local.origin, shared, limit, signal: controller.signal });
    const sent = client.send(GET);
    controller.abort(new Error("cancelled"));
    await expect(sent).rejects.toThrow("cancelled");
    expect([local.received, notes]).toEqual([[], ["release requests"]]);
  });
});
