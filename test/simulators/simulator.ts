import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createDice, type Dice } from "../support/random.ts";
import { DATA_FAULTS, type Fault, type FaultKind } from "./faults.ts";
import { createClock, createStore, type Store, type Stored, type VirtualClock } from "./store.ts";

export interface VendorRequest {
  method: string;
  /** Below the vendor's own: `/v1/tickets`. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: unknown;
}

export interface VendorAnswer {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON; text as it is. */
  body?: unknown;
}

/** What a module for a vendor has at hand. */
export interface VendorTools {
  store: Store;
  clock: VirtualClock;
  /** Access tokens that are good now. */
  tokens: { issue(): string; isGood(token: string | undefined): boolean };
  /** Tokens of pages and feeds, which die when a fault says so. `read` gives null for one that has. */
  cursors: { make(state: unknown): string; read(token: string): unknown };
  isAllowed(permission: string): boolean;
  /** The record without what a fault has taken from all of them. */
  show(record: Stored): Record<string, unknown>;
}

/** One vendor's API over the store. */
export interface Vendor {
  name: string;
  fill(store: Store, dice: Dice, clock: VirtualClock): void;
  answer(request: VendorRequest, tools: VendorTools): VendorAnswer;
}

/** Vendors in one process on 127.0.0.1, with a clock of their own and faults by script. */
export interface Simulator {
  baseUrl(vendor: string): string;
  store: Store;
  clock: VirtualClock;
  dice: Dice;
  requests: VendorRequest[];
  /** Lets the faults happen, counted from the next request on. */
  play(script: readonly Fault[]): void;
  /** Lets it happen now, where it is no fault of one answer. */
  suffer(kind: FaultKind): void;
  /** Of what was played, what has not happened yet; afterwards nothing will. */
  calm(): Fault[];
  /** Answers stop in the middle of their body. @returns lets them go on */
  stall(): () => void;
  /** Every request is refused for there being too many. @returns undoes it */
  throttle(): () => void;
  close(): Promise<void>;
}

const THROTTLED: VendorAnswer = { status: 429, body: { error: "too many requests" } };

export async function createSimulator(vendors: readonly Vendor[], { seed = 1 } = {}): Promise<Simulator> {
  const dice = createDice(seed);
  const clock = createClock();
  const store = createStore(clock, dice);
  const state = createState();
  for (const vendor of vendors) vendor.fill(store, dice, clock);
  const byName = new Map(vendors.map((vendor) => [vendor.name, vendor]));
  let script: Fault[] = [];
  let healed: PromiseWithResolvers<void> | null = null;
  let isThrottled = false;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = "", ...rest] = (request.url ?? "/").split("/");
    const seen = await read(request, `/${rest.join("/")}`);
    const vendor = byName.get(name);
    if (vendor === undefined) return send(response, { status: 404, body: { error: `no vendor ${name}` } });
    simulator.requests.push(seen);
    const happening = takeDue();
    const own = happening.map((kind) => happen(kind)).find((each) => each !== null);
    if (isThrottled) return send(response, { ...THROTTLED, headers: { "retry-after": "30" } });
    const given = own ?? vendor.answer(seen, { store, clock, ...state.tools });
    send(response, given, happening.includes("cut_body"));
  }

  function takeDue(): FaultKind[] {
    const due = script.filter(({ beforeRequest }) => beforeRequest <= 0);
    script = script
      .filter(({ beforeRequest }) => beforeRequest > 0)
      .map((fault) => ({ ...fault, beforeRequest: fault.beforeRequest - 1 }));
    return due.map(({ kind }) => kind);
  }

  /** @returns what is answered instead; null where the vendor itself answers */
  function happen(kind: FaultKind): VendorAnswer | null {
    if (kind === "throttle") return { ...THROTTLED, headers: { "retry-after": "1" } };
    if (kind === "throttle_silently") return THROTTLED;
    if (kind === "server_error") return { status: 503, body: "upstream connect error" };
    for (const change of DATA_FAULTS) {
      if (kind === change) {
        clock.advance(1);
        store.disturb(change);
      }
    }
    state.suffer(kind);
    return null;
  }

  function send(response: ServerResponse, { status, headers, body }: VendorAnswer, isCut = false): void {
    const text = typeof body === "string" ? body : JSON.stringify(body ?? null);
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      date: new Date(clock.now()).toUTCString(),
      ...headers,
    });
    const half = Math.floor(text.length / 2);
    if (isCut) response.write(text.slice(0, half), () => response.destroy());
    else if (healed === null) response.end(text);
    else {
      response.write(text.slice(0, half));
      void healed.promise.then(() => response.end(text.slice(half)));
    }
  }

  const simulator: Simulator = {
    baseUrl: (vendor) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${vendor}`,
    ...{ store, clock, dice, requests: [] },
    play(faults) {
      script.push(...faults);
    },
    suffer: state.suffer,
    calm() {
      const left = script;
      script = [];
      return left;
    },
    stall() {
      const mine = Promise.withResolvers<void>();
      healed = mine;
      return () => {
        healed = null;
        mine.resolve();
      };
    },
    throttle() {
      isThrottled = true;
      return () => {
        isThrottled = false;
      };
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
  return simulator;
}

/** Tokens, permissions and fields as the faults leave them. */
function createState() {
  const good = new Set<string>();
  const revoked = new Set<string>();
  const dropped = new Set<string>();
  let issued = 0;
  let epoch = 0;
  const tools: Omit<VendorTools, "store" | "clock"> = {
    tokens: {
      issue() {
        issued += 1;
        const token = `access-token-${issued}`;
        good.add(token);
        return token;
      },
      isGood: (token) => token !== undefined && good.has(token),
    },
    cursors: {
      make: (state) => Buffer.from(JSON.stringify([epoch, state])).toString("base64url"),
      read(token) {
        const [of, state] = parseOrNull(Buffer.from(token, "base64url").toString()) ?? [];
        return of === epoch ? state : null;
      },
    },
    isAllowed: (permission) => !revoked.has(permission),
    show: (record) => Object.fromEntries(Object.entries(record).filter(([name]) => !dropped.has(name))),
  };
  return {
    tools,
    suffer(kind: FaultKind): void {
      if (kind === "expire_token") good.clear();
      else if (kind === "expire_page_tokens" || kind === "expire_cursors") epoch += 1;
      else if (typeof kind === "object" && "dropField" in kind) dropped.add(kind.dropField);
      else if (typeof kind === "object" && "revoke" in kind) revoked.add(kind.revoke);
      else if (typeof kind === "object") revoked.delete(kind.grant);
    },
  };
}

function parseOrNull(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    // A token that nobody made.
    return null;
  }
}

async function read(request: IncomingMessage, target: string): Promise<VendorRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(target, "http://127.0.0.1");
  const body: unknown = text === "" ? null : JSON.parse(text);
  return { method: request.method ?? "", path: url.pathname, query: url.searchParams, headers: request.headers, body };
}
