import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Thing {
  id: number;
  note: string;
}

export interface DepotJob {
  id: string;
  name: string;
  status: "running" | "done" | "failed" | "cancelled";
  things: Thing[];
}

/**
 * A vendor in memory on 127.0.0.1 that has things: by a change feed with tokens that can expire, by export jobs with a life of their own, and in
 * boxes.
 */
export interface DepotServer {
  readonly baseUrl: string;
  put(thing: Thing): void;
  remove(id: number): void;
  things: Map<number, Thing>;
  pageSize: number;
  /** Tokens and page links that were handed out so far are refused from now on. */
  expireFeed(): void;
  /** Every token is refused, however new. Pages of a complete scan are not. */
  refusesTokens: boolean;
  jobs: DepotJob[];
  /** New jobs end at once; otherwise they run until `endJobs`. */
  endsJobsAtOnce: boolean;
  endJobs(status: DepotJob["status"]): void;
  /** Answers cancels with 503, so often. */
  refusesCancels: number;
  requests: string[];
  /** Is told of a request once it has had its effect, and before it is answered. */
  beforeAnswer: (request: string) => Promise<void> | void;
  close(): Promise<void>;
}

type Answer = { status: number; body?: unknown };

export async function createDepotServer(): Promise<DepotServer> {
  /** Of each change, in order; the position of a token is how many the reader knows of. */
  const log: number[] = [];
  let epoch = 0;

  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const what = `${request.method} ${url.pathname}${url.search}`;
    depot.requests.push(what);
    const { status, body } = respond(request.method ?? "", url);
    await depot.beforeAnswer(what);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? null));
  }

  function respond(method: string, url: URL): Answer {
    const [, place = "", id, part] = url.pathname.split("/");
    if (place === "things") return list(url);
    if (place === "changes") return changes(url);
    if (place === "boxes") return box(Number(id));
    if (place !== "jobs") return { status: 404 };
    if (method === "POST") return makeJob(url.searchParams.get("name") ?? "");
    if (id === undefined) return findJob(url.searchParams.get("name") ?? "");
    const job = depot.jobs.find((each) => each.id === id);
    if (job === undefined) return { status: 404 };
    if (method === "DELETE") return cancel(job);
    return part === "rows"
      ? rowsOf(job, Number(url.searchParams.get("from") ?? 0))
      : { status: 200, body: { status: job.status } };
  }

  const page = (things: Thing[], from: number) => things.slice(from, from + depot.pageSize);

  /** A complete scan; its token is of the moment when it began. */
  function list(url: URL): Answer {
    const [of = epoch, from = 0, known = log.length] = numbers(url.searchParams.get("page"));
    if (of !== epoch) return { status: 410 };
    const all = [...depot.things.values()].sort((a, b) => a.id - b.id);
    const next = from + depot.pageSize;
    const more = next < all.length;
    return {
      status: 200,
      body: { items: page(all, from), next: more ? `${of}:${next}:${known}` : null, token: `${of}:${known}` },
    };
  }

  function changes(url: URL): Answer {
    const [of, known = 0] = numbers(url.searchParams.get("token"));
    if (of !== epoch || depot.refusesTokens) return { status: 410 };
    const next = Math.min(log.length, known + depot.pageSize);
    const items = [...new Set(log.slice(known, next))].map((id) => depot.things.get(id) ?? { id, gone: true });
    return { status: 200, body: { items, next: next < log.length ? `${of}:${next}` : null, token: `${of}:${next}` } };
  }

  function box(no: number): Answer {
    const items = [...depot.things.values()].filter(({ id }) => id % 3 === no);
    return { status: 200, body: { items } };
  }

  function makeJob(name: string): Answer {
    const id = `job-${depot.jobs.length + 1}`;
    const things = [...depot.things.values()];
    depot.jobs.push({ id, name, status: depot.endsJobsAtOnce ? "done" : "running", things });
    return { status: 201, body: { id } };
  }

  function findJob(name: string): Answer {
    const job = depot.jobs.find((each) => each.name === name);
    return { status: 200, body: { id: job?.id ?? null } };
  }

  function cancel(job: DepotJob): Answer {
    if (depot.refusesCancels > 0) {
      depot.refusesCancels -= 1;
      return { status: 503 };
    }
    if (job.status === "running") job.status = "cancelled";
    return { status: 200 };
  }

  function rowsOf({ status, things }: DepotJob, from: number): Answer {
    if (status !== "done") return { status: 410 };
    const next = from + depot.pageSize;
    return { status: 200, body: { items: page(things, from), next: next < things.length ? next : null } };
  }

  const depot: DepotServer = {
    baseUrl: "",
    things: new Map(),
    put(thing) {
      depot.things.set(thing.id, thing);
      log.push(thing.id);
    },
    remove(id) {
      depot.things.delete(id);
      log.push(id);
    },
    pageSize: 10,
    expireFeed() {
      epoch += 1;
    },
    refusesTokens: false,
    jobs: [],
    endsJobsAtOnce: false,
    endJobs(status) {
      for (const job of depot.jobs) if (job.status === "running") job.status = status;
    },
    refusesCancels: 0,
    requests: [],
    beforeAnswer: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(depot, { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function numbers(text: string | null): number[] {
  return text === null ? [] : text.split(":").map(Number);
}
