import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fault } from "./faults.ts";
import type { Simulator } from "./simulator.ts";
import type { Stored } from "./store.ts";
import type { VendorRequest } from "./vendor.ts";
import { readRequest, sendAnswer } from "./wire.ts";

interface Call {
  simulator: Simulator;
  /** The parts of the path after the first. */
  rest: string[];
  body: unknown;
}

/** What the people at the source do, and what the test wants to know, over HTTP. */
const CALLS: Record<string, (call: Call) => unknown> = {
  /** The records of a table. */
  "GET records": ({ simulator, rest: [table = ""] }) => simulator.store.rows(table),
  /** Adds a record or changes one; what follows from it follows. */
  "PUT records": ({ simulator, rest: [table = ""], body }) => {
    const record = body as Stored;
    simulator.store.put(table, { ...simulator.store.find(table, record.id), updated_at: undefined, ...record });
    return simulator.store.find(table, record.id);
  },
  "DELETE records": ({ simulator, rest: [table = "", id] }) => simulator.store.remove(table, Number(id)),
  /** Moves the clock on by `{ seconds }`. */
  "POST advance": ({ simulator, body }) => simulator.clock.advance(Number(Object(body).seconds)),
  /** Plays a fault script: `Fault[]`. */
  "POST faults": ({ simulator, body }) => simulator.play(body as Fault[]),
  /** Nothing more of the script happens. */
  "POST calm": ({ simulator }) => simulator.calm(),
  /** A command of the vendor's own, by its name; the body is its arguments. */
  "POST commands": ({ simulator, rest: [name = ""], body }) => simulator.command(name, body),
  /** Adds all records of a list: `Stored[]`. */
  "POST records": ({ simulator, rest: [table = ""], body }) => {
    for (const record of body as Stored[]) simulator.store.put(table, record);
  },
  /** How many requests the vendor was sent. */
  "GET requests": ({ simulator }) => simulator.requests.length,
  /** The same by kind: method and path, without what tells one thing from another, and the operation of a GraphQL document. */
  "GET request-kinds": ({ simulator }) => {
    const counts: Record<string, number> = {};
    for (const request of simulator.requests) {
      const kind = kindOf(request);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  },
};

/** What every document of a bulk load, of a page or of a check begins with. */
const GRAPHQL_ROOT = /^[^{]*\{\s*(?:\w+:\s*)?(\w+)/;

function kindOf({ method, path, body }: VendorRequest): string {
  const { query } = Object(body) as { query?: unknown };
  if (typeof query === "string") return `${method} ${GRAPHQL_ROOT.exec(query)?.[1] ?? "?"}`;
  const shape = path.split("/").map((part) => (/\d|[!,]/.test(part) && !/^v\d/.test(part) ? "*" : part));
  return `${method} ${shape.join("/")}`;
}

/** Serves the calls on a port of its own. A call that fails answers 400 with the error. */
export async function startControl(simulator: Simulator): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const plain = { fault: null, healed: null, now: Date.now() };
    try {
      const { method, path, body } = await readRequest(request, request.url ?? "/", "api");
      const [, name = "", ...rest] = path.split("/");
      const call = CALLS[`${method} ${name}`];
      if (call === undefined) return sendAnswer(response, { status: 404, body: { error: "no such call" } }, plain);
      const answer = await call({ simulator, rest, body });
      sendAnswer(response, { status: 200, body: answer ?? null }, plain);
    } catch (error) {
      sendAnswer(response, { status: 400, body: { error: String(error) } }, plain);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
