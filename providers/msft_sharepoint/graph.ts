import { TerminalError, TransientError } from "../../core/errors.ts";
import { fixedWindow, type Limit } from "../lib/http/admission.ts";
import { createHttpClient, type HttpClient, type HttpRequest } from "../lib/http/client.ts";
import { isObject, type JsonObject, type JsonValue } from "../lib/http/json.ts";
import { spreadRateLimit } from "../lib/http/spread-limit.ts";
import { noteRequestIds } from "../lib/tell-users.ts";
import type { ConnectOptions, Spend } from "../provider.ts";
import { createAuth } from "./auth.ts";
import { endpointsOf } from "./clouds.ts";
import type { ConnectionConfig, SourceConfig } from "./config.ts";
import { judgeFeed, judgeObject } from "./graph-errors.ts";

/**
 * What a request is, and costs of the app's resource units.
 * https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online
 * `enumeration`: the first page of a feed without a token. `delta`: any later page.
 */
const COSTS = { item: 1, items: 2, enumeration: 2, delta: 1 };
export type Cost = keyof typeof COSTS;

export interface GraphRequest extends Pick<HttpRequest, "doing" | "url" | "query" | "fixes" | "follow" | "headers"> {
  cost: Cost;
}

export interface GraphAnswer {
  body: JsonObject;
  /** Of the answer. */
  bytes: number;
}

/** Microsoft Graph, as the connection's app sees it. */
export interface Graph {
  /** GET, of an object. @throws ProviderError */
  get(request: GraphRequest): Promise<GraphAnswer>;
  /** One page of `value`. */
  page(request: GraphRequest): Promise<GraphPage>;
  /** All pages of a collection that is small. */
  all(request: GraphRequest): Promise<JsonObject[]>;
  /** What `get` sends of the limit. */
  spendsOf(cost: Cost): Spend[];
  client: HttpClient;
  /** Graph's id of the latest answer; null where it gave none. */
  latestAnswer(): string | null;
}

export interface GraphPage {
  items: JsonValue[];
  /** Absolute, and on Graph's own host; null where there is none. */
  nextLink: string | null;
  deltaLink: string | null;
  bytes: number;
}

/** Of one worker and of all together: Microsoft asks for few at a time. */
const CONCURRENCY = 4;
/** SharePoint shows its headers when 80 % of the minute's units are used. */
const SLOW_BELOW = 0.2;
const MINUTE = "resource_units_minute";
const DAY = "resource_units_day";
/** The units of a day are so many times those of a minute, whatever the tenant's size. */
const DAY_TO_MINUTE = 1000;
const USER_AGENT = "ISV|Sluice|Sluice/1.0";
/** A loop at the source ends. */
const MOST_PAGES = 10_000;

export function createGraph(options: ConnectOptions<ConnectionConfig, SourceConfig>): Graph {
  const { config, secrets, redactor, shared, egress, signal } = options;
  const { graph: graphUrl, own: ownUrl } = endpointsOf(config);
  const baseUrl = `${graphUrl}/v1.0`;
  const spendsOf = (cost: Cost): Spend[] => [
    { ...fixedWindow(MINUTE, config.resourceUnitsPerMinute, 60), cost: COSTS[cost] },
    { ...fixedWindow(DAY, config.resourceUnitsPerMinute * DAY_TO_MINUTE, 86_400), cost: COSTS[cost] },
  ];
  const limit: Limit = {
    concurrency: CONCURRENCY,
    inFlight: { name: "graph", limit: CONCURRENCY },
    spends: spendsOf("item"),
    settle: (answer, spends) =>
      spends
        .filter(({ bucket }) => bucket === MINUTE)
        .flatMap((spend) => spreadRateLimit(answer, spend, { below: SLOW_BELOW, window: 60 })),
  };
  const { client, latestAnswer } = noteRequestIds(
    createHttpClient({
      ...{ provider: "msft_sharepoint", baseUrl, redactor, shared, egress, signal, limit },
      headers: { "user-agent": USER_AGENT },
      auth: createAuth(config, secrets),
    }),
  );

  async function get({ cost, ...request }: GraphRequest): Promise<GraphAnswer> {
    const response = await client.send({
      ...{
        method: "GET",
        spends: spendsOf(cost),
        classify: cost === "delta" || cost === "enumeration" ? judgeFeed : judgeObject,
      },
      ...request,
    });
    try {
      const body = response.json();
      if (!isObject(body)) throw notGraph(request.doing, "is no object");
      if (isObject(body.error)) throw brokenOff(request.doing);
      return { body, bytes: response.body.length };
    } finally {
      response.letGo();
    }
  }

  async function page(request: GraphRequest): Promise<GraphPage> {
    const { body, bytes } = await get(request);
    const { value } = body;
    if (!Array.isArray(value)) throw notGraph(request.doing, "has no list 'value'");
    const linkOf = (name: string) => checkLink(body[name], { name, doing: request.doing, graphUrl, ownUrl });
    return { items: value, nextLink: linkOf("@odata.nextLink"), deltaLink: linkOf("@odata.deltaLink"), bytes };
  }

  return {
    ...{ get, page, spendsOf, client, latestAnswer },
    async all(request) {
      const found: JsonObject[] = [];
      const passed = new Set<string>();
      let at: Pick<GraphRequest, "url" | "query"> = request;
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const { items, nextLink } = await page({ ...request, ...at });
        found.push(...items.filter(isObject));
        if (nextLink === null) return found;
        if (passed.has(nextLink)) throw goesRound(request.doing);
        passed.add(nextLink);
        at = { url: nextLink, query: [] };
      }
      throw notGraph(request.doing, `has more than ${MOST_PAGES} pages`);
    },
  };
}

/** A next page that was read before would be read for ever. */
export function goesRound(doing: string): TerminalError {
  return new TerminalError("source_response_invalid", `msft_sharepoint: ${doing} came round to a page read before.`, {
    fix: "Retry the run. If it repeats, report it with the worker's log.",
  });
}

/** Of an answer that began well: what its error says is behind too much else to be looked for before (`judgeObject`). */
function brokenOff(doing: string): TransientError {
  return new TransientError("source_unavailable", `msft_sharepoint: ${doing} failed: the answer ends with an error.`, {
    fix: "Retry the run. If it repeats, report it with the worker's log.",
  });
}

function notGraph(doing: string, how: string): TerminalError {
  return new TerminalError("source_response_invalid", `msft_sharepoint: ${doing} failed: the answer ${how}.`, {
    fix: "Check cloud and graphUrl of the connection: something else than Microsoft Graph has answered.",
  });
}

interface LinkOptions {
  /** The member of the answer that holds it. */
  name: string;
  doing: string;
  /** Where this connection asks Graph: a proxy's may have a path. */
  graphUrl: string;
  /** Graph's own address, which its links name, also where a proxy stands before it. */
  ownUrl: string;
}

/**
 * A link is kept, and asked with the app's token later: it is looked at before.
 * @throws TerminalError source_address_refused
 */
function checkLink(link: JsonValue | undefined, { name, doing, graphUrl, ownUrl }: LinkOptions): string | null {
  if (link === undefined || link === null || link === "") return null;
  const url = typeof link === "string" ? URL.parse(link) : null;
  if (url !== null && url.host === new URL(graphUrl).host) return String(link);
  if (url !== null && url.origin === ownUrl) return `${graphUrl}${url.pathname}${url.search}`;
  throw new TerminalError(
    "source_address_refused",
    `msft_sharepoint: ${doing} failed: ${name} leads to ${url?.host ?? "what is no URL"}, which is not Graph's host.`,
    { fix: "Check cloud and graphUrl of the connection: something else than Microsoft Graph may have answered." },
  );
}
