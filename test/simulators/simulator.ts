import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createDice, type Dice } from "../support/random.ts";
import { DATA_FAULTS, type Fault, type FaultKind } from "./faults.ts";
import { createClock, createStore, type Store, type VirtualClock } from "./store.ts";
import type { Vendor, VendorAnswer, VendorRequest, VendorTools } from "./vendor.ts";
import { createVendorState } from "./vendor-state.ts";
import { readRequest, sendAnswer } from "./wire.ts";

export type { Vendor, VendorAnswer, VendorRequest, VendorTools } from "./vendor.ts";

/** Vendors in one process on 127.0.0.1, with a clock of their own and faults by script. */
export interface Simulator {
  baseUrl(vendor: string): string;
  /** The vendor's other address: see `VendorTools.filesUrl`. */
  filesUrl(vendor: string): string;
  store: Store;
  clock: VirtualClock;
  dice: Dice;
  requests: VendorRequest[];
  /** Lets the faults happen, counted from the next request on. */
  play(script: readonly Fault[]): void;
  /** Lets it happen now, where it is no fault of one answer. */
  suffer(kind: FaultKind): void;
  /** @returns what the vendor's command of that name answers */
  command(name: string, args?: unknown): unknown;
  /** Of what was played, what has not happened yet; afterwards nothing will. */
  calm(): Fault[];
  /** Answers stop in the middle of their body. @returns lets them go on */
  stall(): () => void;
  /** Every request is refused for there being too many. @returns undoes it */
  throttle(): () => void;
  close(): Promise<void>;
}

const THROTTLED: VendorAnswer = { status: 429, body: { error: "too many requests" } };

interface SimulatorOptions {
  seed?: number;
  clock?: VirtualClock;
}

export async function createSimulator(
  vendors: readonly Vendor[],
  { seed = 1, clock = createClock() }: SimulatorOptions = {},
): Promise<Simulator> {
  const dice = createDice(seed);
  const tables = vendors.every(({ changeable }) => changeable === undefined)
    ? null
    : vendors.flatMap(({ changeable = [] }) => changeable);
  const store = createStore(clock, dice, { changeable: tables });
  const state = createVendorState();
  for (const vendor of vendors) vendor.fill(store, dice, clock);
  store.onChange((change, before) => {
    for (const vendor of vendors) vendor.follow?.(change, before, toolsOf(vendor));
  });
  const byName = new Map(vendors.map((vendor) => [vendor.name, vendor]));
  let script: Fault[] = [];
  let healed: PromiseWithResolvers<void> | null = null;
  let isThrottled = false;

  const servers = { api: serve("api"), files: serve("files") };
  const urlOf = (to: keyof typeof servers, vendor: string): string =>
    `http://127.0.0.1:${(servers[to].address() as AddressInfo).port}/${vendor}`;

  function toolsOf({ name }: Vendor): VendorTools {
    return { store, clock, dice, apiUrl: urlOf("api", name), filesUrl: urlOf("files", name), ...state.tools };
  }

  function serve(to: VendorRequest["to"]): Server {
    return createServer((request, response) => {
      answer(request, response, to).catch((error: unknown) => {
        // A fault of the simulator itself, unless the client went away: a connector would only see a connection that broke off.
        if (!request.errored) console.error(`simulator: ${request.method} ${request.url}`, error);
        response.destroy(error as Error);
      });
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse, to: VendorRequest["to"]): Promise<void> {
    const [, name = "", ...rest] = (request.url ?? "/").split("/");
    const seen = await readRequest(request, `/${rest.join("/")}`, to);
    const vendor = byName.get(name.replace(/\?.*$/, ""));
    if (vendor === undefined)
      return send(response, { status: 404, body: { error: `no vendor ${name}` } }, { isCut: false });
    simulator.requests.push(seen);
    const happening = takeDue();
    const own = happening.map((kind) => happen(kind, vendor, seen)).find((each) => each !== null);
    const refused = { ...THROTTLED, headers: { "retry-after": "30" } };
    if (isThrottled) return send(response, refusalOf(vendor, seen) ?? refused);
    send(response, own ?? (await vendor.answer(seen, toolsOf(vendor))), { isCut: happening.includes("cut_body") });
  }

  const refusalOf = (vendor: Vendor, seen: VendorRequest): VendorAnswer | undefined =>
    vendor.refuse?.(seen, toolsOf(vendor));

  function takeDue(): FaultKind[] {
    const due = script.filter(({ beforeRequest }) => beforeRequest <= 0);
    script = script
      .filter(({ beforeRequest }) => beforeRequest > 0)
      .map((fault) => ({ ...fault, beforeRequest: fault.beforeRequest - 1 }));
    return due.map(({ kind }) => kind);
  }

  /** @returns what is answered instead; null where the vendor itself answers */
  function happen(kind: FaultKind, vendor: Vendor, seen: VendorRequest): VendorAnswer | null {
    if (kind === "throttle") return refusalOf(vendor, seen) ?? { ...THROTTLED, headers: { "retry-after": "1" } };
    if (kind === "throttle_silently") return THROTTLED;
    if (kind === "server_error") return { status: 503, body: "upstream connect error" };
    if (typeof kind === "object" && "answer" in kind)
      return kind.to === undefined || kind.to === seen.to ? kind.answer : null;
    for (const change of DATA_FAULTS) {
      if (kind === change) {
        clock.advance(1);
        store.disturb(change);
      }
    }
    simulator.suffer(kind);
    return null;
  }

  function send(response: ServerResponse, given: VendorAnswer, { isCut = false } = {}): void {
    sendAnswer(response, given, { isCut, healed: healed?.promise ?? null, now: clock.now() });
  }

  const simulator: Simulator = {
    baseUrl: (vendor) => urlOf("api", vendor),
    filesUrl: (vendor) => urlOf("files", vendor),
    ...{ store, clock, dice, requests: [] },
    play(faults) {
      script.push(...faults);
    },
    suffer(kind) {
      if (typeof kind === "object" && "command" in kind) simulator.command(kind.command, kind.args);
      else state.suffer(kind);
    },
    command(name, args = null) {
      const vendor = vendors.find(({ commands }) => commands?.[name] !== undefined);
      const command = vendor?.commands?.[name];
      if (vendor === undefined || command === undefined) throw new Error(`no vendor here has a command ${name}`);
      return command(args, toolsOf(vendor));
    },
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
      for (const server of Object.values(servers)) {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      }
    },
  };
  for (const server of Object.values(servers)) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  return simulator;
}
