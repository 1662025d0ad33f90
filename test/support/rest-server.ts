import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type RestRecord = Record<string, unknown>;

/** An answer that is not the collection's. Headers and body as they are. */
export interface CannedAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  body: RestRecord;
}

/**
 * A REST API in memory on 127.0.0.1 with faults on demand. `/<paging>/<collection>` lists a collection, paged as `paging` says:
 * link, header, cursor, offset, page, keyset, graphql (by POST) or all. `/<paging>/<collection>/<id>/<children>` lists those
 * whose `<collection>_id` is `id`; 404 where there is no such parent. `updated_since` (inclusive) and `updated_until` are
 * understood everywhere.
 */
export interface RestServer {
  readonly baseUrl: string;
  collections: Map<string, RestRecord[]>;
  pageSize: number;
  /** Bearer tokens that are accepted; empty: nobody has to show any. */
  tokens: Set<string>;
  /** Of `/oauth/token`: the present refresh token. Each use replaces it. */
  refreshToken: string;
  /** Seconds that an issued token is said to last. */
  tokenLifetime: number;
  requests: SeenRequest[];
  /** The next requests that match get `answer` instead, `times` times. @returns takes it back */
  interrupt(match: (request: SeenRequest) => boolean, answer: CannedAnswer, times?: number): () => void;
  /** The next answers stop in the middle of their body. @returns lets them go on */
  stall(): () => void;
  /** The next answer is cut off in the middle of its body. */
  cutOnce(): void;
  /** Cursor tokens handed out so far are refused from now on. */
  expireCursors(): void;
  /** Milliseconds before each answer. */
  delayMs: number;
  /** The most requests that waited for their answers at one time. */
  mostAtOnce: number;
  close(): Promise<void>;
}

export async function createRestServer(): Promise<RestServer> {
  const interruptions: { match: (request: SeenRequest) => boolean; answer: CannedAnswer; left: number }[] = [];
  let healed: PromiseWithResolvers<void> | null = null;
  let cut = false;
  let epoch = 0;
  let issued = 0;
  let atOnce = 0;

  const server = createServer((request, response) => {
    atOnce += 1;
    rest.mostAtOnce = Math.max(rest.mostAtOnce, atOnce);
    response.once("close", () => {
      atOnce -= 1;
    });
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await read(request);
    rest.requests.push(seen);
    if (rest.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, rest.delayMs));
    const interruption = interruptions.find((each) => each.left > 0 && each.match(seen));
    if (interruption) {
      interruption.left -= 1;
      return send(response, interruption.answer);
    }
    if (seen.path === "/oauth/token") return send(response, issueToken(seen));
    if (rest.tokens.size > 0 && !rest.tokens.has(seen.authorization?.replace(/^Bearer /, "") ?? "")) {
      return send(response, { status: 401, body: { error: "unauthorized" } });
    }
    send(response, list(seen));
  }

  function issueToken({ body }: SeenRequest): CannedAnswer {
    if (body.grant_type === "refresh_token" && body.refresh_token !== rest.refreshToken) {
      return { status: 400, body: { error: "invalid_grant" } };
    }
    issued += 1;
    const token = `access-${issued}`;
    rest.tokens = new Set([token]);
    if (body.grant_type === "refresh_token") rest.refreshToken = `refresh-${issued}`;
    const answered = { access_token: token, expires_in: rest.tokenLifetime, token_type: "Bearer" };
    return {
      status: 200,
      body: body.grant_type === "refresh_token" ? { ...answered, refresh_token: rest.refreshToken } : answered,
    };
  }

  function list(seen: SeenRequest): CannedAnswer {
    const [, paging = "", collection = "", parentId, children] = seen.path.split("/");
    const name = children ?? collection;
    let records = rest.collections.get(name);
    if (records === undefined) return { status: 404, body: { error: `no ${name}` } };
    if (parentId !== undefined) {
      const parents = rest.collections.get(collection) ?? [];
      if (!parents.some(({ id }) => String(id) === parentId)) return { status: 404, body: { error: "no parent" } };
      records = records.filter((record) => String(record[`${collection}_id`]) === parentId);
    }
    const since = seen.query.get("updated_since");
    const until = seen.query.get("updated_until");
    const within = records.filter(({ updated_at: at }) => {
      const ms = Date.parse(String(at));
      return (since === null || ms >= Date.parse(since)) && (until === null || ms < Date.parse(until));
    });
    return page(paging, seen, within);
  }

  function page(paging: string, seen: SeenRequest, records: RestRecord[]): CannedAnswer {
    const size = Number(seen.query.get("limit") ?? rest.pageSize);
    const from = (start: number) => records.slice(start, start + size);
    const token = (start: number) => Buffer.from(`${epoch}:${start}`).toString("base64url");
    const startOf = (given: unknown) => {
      const [of, start] = Buffer.from(String(given ?? token(0)), "base64url")
        .toString()
        .split(":");
      return Number(of) === epoch ? Number(start) : null;
    };
    const more = (start: number) => start + size < records.length;
    switch (paging) {
      case "all":
        return { status: 200, body: records };
      case "offset": {
        const offset = Number(seen.query.get("offset") ?? 0);
        return { status: 200, body: { items: from(offset), total: records.length, limit: size, offset } };
      }
      case "page": {
        const number = Number(seen.query.get("page") ?? 1);
        const pages = Math.ceil(records.length / size);
        return { status: 200, body: { results: from((number - 1) * size), pages } };
      }
      case "keyset": {
        const after = seen.query.get("after");
        const at = after === null ? 0 : records.findIndex(({ id }) => String(id) === after) + 1;
        return { status: 200, body: { data: from(at), has_more: more(at) } };
      }
      case "graphql": {
        const start = startOf(Object(seen.body.variables).after);
        if (start === null) return { status: 200, body: { errors: [{ message: "stale cursor" }] } };
        const pageInfo = { hasNextPage: more(start), endCursor: more(start) ? token(start + size) : null };
        return { status: 200, body: { data: { list: { edges: from(start).map((node) => ({ node })), pageInfo } } } };
      }
      case "link":
      case "header":
      case "cursor": {
        const start = startOf(seen.query.get("cursor") ?? undefined);
        if (start === null) return { status: 400, body: { error: "cursor expired" } };
        const next = more(start) ? token(start + size) : null;
        const query = new URLSearchParams(seen.query);
        query.set("cursor", next ?? "");
        const url = next === null ? null : `${seen.path}?${query}`;
        return {
          status: 200,
          headers: paging === "header" && url !== null ? { link: `<${url}>; rel="next"` } : {},
          body: { data: from(start), next: paging === "link" ? url : next },
        };
      }
      default:
        return { status: 404, body: { error: `no paging ${paging}` } };
    }
  }

  function send(response: ServerResponse, { status, headers, body }: CannedAnswer): void {
    const text = typeof body === "string" ? body : JSON.stringify(body ?? null);
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      ...headers,
    });
    const half = Math.floor(text.length / 2);
    if (cut && text.length > 0) {
      cut = false;
      response.write(text.slice(0, half), () => response.destroy());
    } else if (healed === null) response.end(text);
    else {
      response.write(text.slice(0, half));
      void healed.promise.then(() => response.end(text.slice(half)));
    }
  }

  const rest: RestServer = {
    baseUrl: "",
    collections: new Map(),
    pageSize: 20,
    tokens: new Set(),
    refreshToken: "refresh-0",
    tokenLifetime: 3600,
    requests: [],
    delayMs: 0,
    mostAtOnce: 0,
    interrupt(match, cannedAnswer, times = Number.POSITIVE_INFINITY) {
      const interruption = { match, answer: cannedAnswer, left: times };
      interruptions.push(interruption);
      return () => {
        interruption.left = 0;
      };
    },
    stall() {
      const mine = Promise.withResolvers<void>();
      healed = mine;
      return () => {
        healed = null;
        mine.resolve();
      };
    },
    cutOnce() {
      cut = true;
    },
    expireCursors() {
      epoch += 1;
    },
    async close() {
      healed?.resolve();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(rest, { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    authorization: request.headers.authorization,
    body: text === "" ? {} : isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text),
  };
}
