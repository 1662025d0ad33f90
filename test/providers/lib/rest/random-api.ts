import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";

/** A REST API that may be honest, careless or wrong in how it pages. */
export interface RandomApi {
  paging: "offset" | "page" | "cursor" | "link" | "keyset";
  rows: number;
  /** Items that a page is asked to have, and those that the API gives at most. */
  limit: number;
  cap: number;
  /** Records in each item; 1: the item is the record. */
  nested: number;
  total: "none" | "null" | "honest" | "text" | "small" | "large" | "ofPage" | "random" | "firstOnly" | "unknown";
  /** What the total is wrong by, and what `random` begins with. */
  error: number;
  countsPages: boolean;
  /** What `has_more` says. */
  flag: "none" | "honest" | "true" | "false";
  /** Pages by offset have any size up to the limit. */
  varies: boolean;
  /** Answers to the pages behind the last one. */
  behind: "empty" | "204" | "404" | "blank";
  /** The page of that number is empty, `once` or always. */
  hole: { page: number; lasts: "once" | "always" } | null;
  /** Before the request of that number a row moves. */
  moves: { before: number; what: "to_end" | "swap" | "delete_first" | "insert_first" }[];
  stopOnShortPage: boolean | undefined;
  removes: boolean;
  /** The read is killed after so many pages, and resumed. */
  kills: number[];
  /** Its checkpoint does not hold the keys that it has seen, as of a large listing. */
  forgets: boolean;
  /** Its answers are so large that they are parsed in a thread: they should mean the same. */
  isLarge: boolean;
}

const ANNOUNCED: RandomApi["total"][] = ["honest", "text", "large"];

/** Only what can be noticed at all: without a total an empty page in the middle is the end, and a false declaration is believed. */
export const randomApi: fc.Arbitrary<RandomApi> = fc
  .record({
    paging: fc.constantFrom("offset", "offset", "page", "page", "cursor", "link", "keyset"),
    rows: fc.nat(60),
    limit: fc.integer({ min: 1, max: 15 }),
    cap: fc.oneof(fc.constant(1000), fc.integer({ min: 1, max: 15 })),
    nested: fc.constantFrom(1, 1, 3),
    total: fc.constantFrom<RandomApi["total"][]>(
      ...(["none", "null", "honest", "text", "small", "large", "ofPage", "random", "firstOnly", "unknown"] as const),
    ),
    error: fc.integer({ min: 1, max: 25 }),
    countsPages: fc.boolean(),
    flag: fc.constantFrom("none", "none", "honest", "true", "false"),
    varies: fc.boolean(),
    behind: fc.constantFrom("empty", "204", "404", "blank"),
    hole: fc.option(fc.record({ page: fc.integer({ min: 1, max: 5 }), lasts: fc.constantFrom("once", "always") })),
    moves: fc.array(
      fc.record({
        before: fc.integer({ min: 2, max: 6 }),
        what: fc.constantFrom("to_end", "swap", "delete_first", "insert_first"),
      }),
      { maxLength: 2 },
    ),
    stopOnShortPage: fc.constantFrom(undefined, undefined, true, false),
    removes: fc.boolean(),
    kills: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    forgets: fc.boolean(),
    isLarge: fc.nat(19).map((drawn) => drawn === 0),
  })
  .map((drawn): RandomApi => {
    const api: RandomApi = { ...drawn };
    const isCounted = api.paging === "offset" || api.paging === "page";
    if (!isCounted) api.flag = "none";
    if (!isCounted) return { ...api, moves: [], hole: null, nested: api.paging === "keyset" ? 1 : api.nested };
    const isAnnounced = ANNOUNCED.includes(api.total);
    // Where neither says that more follow, a short page behind a full one is the last.
    const tellsMore = isAnnounced || (api.flag === "honest" && api.stopOnShortPage === undefined);
    if (api.paging !== "offset" || !tellsMore || api.stopOnShortPage === true) api.varies = false;
    if (!isAnnounced || api.stopOnShortPage !== undefined) api.hole = null;
    if (api.stopOnShortPage === true && api.cap < api.limit) api.stopOnShortPage = undefined;
    // Moved rows are told by their keys, and by a total that is right.
    if (api.total !== "honest" || api.stopOnShortPage !== undefined || api.hole) api.moves = [];
    // A number of pages does not tell that one row is gone.
    if (api.paging === "page" && api.countsPages) api.moves = api.moves.filter(({ what }) => what !== "delete_first");
    // A row that is added and read stands for one that moved to the front: nothing tells them apart but a second reading.
    if (api.moves.some(({ what }) => what === "insert_first"))
      api.moves = api.moves.filter(({ what }) => what !== "swap");
    return api;
  });

export interface RandomServer {
  baseUrl: string;
  /** Rows that were there from the beginning to the end, and that the API shows. */
  expected(): string[];
  serve(api: RandomApi): void;
  close(): Promise<void>;
}

interface Item {
  id: number;
}

/** Serves one such API at a time, at `/items`. */
/** JSON may end in blanks, and an answer of many lines goes to a thread. */
const PADDING = "\n".repeat(61_000);

export async function createRandomServer(): Promise<RandomServer> {
  let api: RandomApi;
  let items: Item[] = [];
  let initial: Item[] = [];
  let hidden = new Set<number>();
  let requests = 0;
  let holes = 0;

  function move(): void {
    for (const { what } of api.moves.filter(({ before }) => before === requests)) {
      const first = items[0];
      if (what === "insert_first") items.unshift({ id: 10_000 + requests });
      else if (first) items.splice(0, 1, ...[]);
      if ((what === "to_end" || what === "swap") && first) items.push(first);
      if (what === "swap" && items.length > 1) items.unshift(...items.splice(-2, 1));
    }
  }

  function totalOf(onPage: number, isFirst: boolean): unknown {
    switch (api.total) {
      case "none":
        return undefined;
      case "null":
        return null;
      case "unknown":
        return -1;
      case "honest":
        return items.length;
      case "text":
        return String(items.length);
      case "small":
        return Math.max(0, items.length - api.error);
      case "large":
        return items.length + api.error;
      case "ofPage":
        return onPage;
      case "random":
        return (api.error * 7 * requests) % 70;
      case "firstOnly":
        return isFirst ? items.length : undefined;
    }
  }

  function answer(url: URL): { status: number; body: string } {
    requests += 1;
    move();
    const { paging, cap, limit, nested } = api;
    const most = Math.min(cap, Number(url.searchParams.get("limit") ?? limit));
    const size = api.varies ? 1 + ((requests * 7) % most) : most;
    const at = Number(url.searchParams.get("at") ?? (paging === "page" ? 1 : 0));
    const after = items.findIndex(({ id }) => id === at) + 1;
    const from = paging === "page" ? (at - 1) * size : paging === "keyset" ? after : at;
    const pageNo = Math.floor(from / size);
    const isHole = api.hole !== null && pageNo === api.hole.page && (api.hole.lasts === "always" || holes++ === 0);
    const page = items.slice(from, from + size);
    if (isHole && api.hole?.lasts === "always") for (const { id } of page) hidden.add(id);
    const listed = isHole ? [] : page;
    const more = from + size < items.length;
    if (listed.length === 0 && from > 0 && !isHole && api.behind !== "empty") {
      return { status: { "204": 204, "404": 404, blank: 200 }[api.behind], body: "" };
    }
    const data = nested === 1 ? listed : listed.map(({ id }) => ({ lines: linesOf(id, nested) }));
    const total = totalOf(listed.length, from === 0);
    const pages = typeof total === "number" && total >= 0 ? Math.ceil(total / size) : total;
    const next = !more ? null : paging === "link" ? `/items?at=${from + size}` : from + size;
    const flags = { none: {}, honest: { has_more: more }, true: { has_more: true }, false: { has_more: false } };
    // Only chains name a next page: else it would be one more sign.
    const named = paging === "offset" || paging === "page" ? {} : { next };
    return { status: 200, body: JSON.stringify({ data, total, pages, ...named, ...flags[api.flag] }) };
  }

  const server = createServer((request, response) => {
    const { status, body } = answer(new URL(request.url ?? "/", "http://127.0.0.1"));
    response
      .writeHead(status, { "content-type": "application/json" })
      .end(api.isLarge && body !== "" ? `${body}${PADDING}` : body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve(given) {
      [api, requests, holes, hidden] = [given, 0, 0, new Set()];
      items = Array.from({ length: given.rows }, (_, i) => ({ id: i + 1 }));
      initial = [...items];
    },
    expected() {
      const stayed = initial.filter((item) => items.includes(item) && !hidden.has(item.id));
      return stayed.flatMap(({ id }) =>
        api.nested === 1 ? [String(id)] : linesOf(id, api.nested).map((line) => String(line.id)),
      );
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function linesOf(id: number, count: number): Item[] {
  return Array.from({ length: count }, (_, n) => ({ id: id * 100 + n }));
}

/** The declaration of the API for `http_api`. */
export function configOf(api: RandomApi, baseUrl: string): object {
  const { limit, stopOnShortPage, countsPages } = api;
  const end = { ...(stopOnShortPage === undefined ? {} : { stopOnShortPage }) };
  const paginators = {
    offset: { type: "offset", limit, offsetParam: "at", totalPath: "total", ...end },
    page: {
      ...{ type: "page", pageParam: "at", size: limit, sizeParam: "limit", ...end },
      ...(countsPages ? { totalPagesPath: "pages" } : { totalPath: "total" }),
    },
    cursor: { type: "cursor", nextPath: "next", param: "at" },
    link: { type: "json_link", nextPath: "next" },
    keyset: { type: "keyset", field: "id", param: "at" },
  };
  const resource = {
    ...{ name: "items", path: "items", primaryKey: ["id"], fields: { id: "bigint" }, additionalFields: "ignore" },
    recordSelector: api.nested === 1 ? "data" : "data[*].lines[*]",
    paginator: paginators[api.paging],
    // An order without lines, or none at all.
    missingRecords: "empty",
    maxPages: 1000,
  };
  return { baseUrl, resources: [resource], retry: { maxAttempts: 1 } };
}
