import type { Sync } from "../../client/index.ts";
import { type SimulatorProcess, startSimulator } from "../../scripts/demo/simulator-process.ts";
import type { Bench } from "./bench.ts";
import { createBucketDirectory, serveBucketProcess } from "./bucket.ts";

/** A source of one vendor that counts what it is asked. */
export interface CountedSource {
  provider: Sync["providerKey"];
  connection: { config: Record<string, unknown>; secrets: Record<string, string> };
  entities: string[];
  sourceConfig?: Record<string, unknown>;
  /** Rows of a first load, all entities together. */
  rows: number;
  /** The fewest requests that can fetch them, by the page sizes that the vendor documents. */
  least: number;
  /** In words. */
  leastIs: string;
  /** What fetches rows must be at most so many times the fewest; absent: something else than the page size limits a page. */
  mostToLeast?: number;
  /** Since it started, by what they ask for. */
  counts(): Promise<Record<string, number>>;
  /** Of these kinds, those that fetch rows; the others look at tokens, names and columns, however many rows there are. */
  fetchesRows(kind: string): boolean;
  stop(): Promise<void>;
}

type Open = (bench: Bench) => Promise<CountedSource>;

/** A page is asked for once more as a sample for discovery. */
const mostToLeast = 1.1;

const OBJECTS = 3_000;
const ROWS_EACH = 20;
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const KEYS_A_PAGE = 1_000;

const s3: Open = async (bench) => {
  const directory = await createBucketDirectory();
  await directory.addObjects("in", OBJECTS, ROWS_EACH);
  const server = await serveBucketProcess(bench, directory);
  return {
    ...{ provider: "s3", connection: server.connection, entities: ["orders"], rows: OBJECTS * ROWS_EACH },
    sourceConfig: { files: [{ name: "orders", pathGlob: "in/**/*.csv", format: { type: "csv" } }] },
    ...{ least: OBJECTS / KEYS_A_PAGE + OBJECTS, mostToLeast },
    leastIs: "pages of 1,000 keys, and a GET for each object",
    counts: async () => (await (await fetch(`${server.endpoint}/?counts`)).json()) as Record<string, number>,
    fetchesRows: () => true,
    async stop() {
      await server.stop();
      await directory.remove();
    },
  };
};

const TILL_ORDERS = 4_000;
const TILL_PAGE = 20;

const httpApi: Open = async (bench) => {
  const till = await startSimulator("till", bench.say);
  await grow(till, "orders", TILL_ORDERS, () => true);
  const orders = {
    ...{ name: "orders", path: "orders", recordSelector: "data", primaryKey: ["id"] },
    paginator: { type: "cursor", nextPath: "next", param: "page_token" },
    incremental: { cursorField: "updated_at", startParam: "updated_after", lookbackSeconds: 1 },
  };
  return {
    ...{ provider: "http_api", entities: ["orders"], rows: TILL_ORDERS, least: TILL_ORDERS / TILL_PAGE },
    connection: {
      config: { baseUrl: till.apiUrl, auth: { type: "bearer", tokenSecret: "apiKey" }, resources: [orders] },
      secrets: till.secrets,
    },
    leastIs: "pages of 20 orders, as the server gives them",
    ...{ mostToLeast, counts: till.requestKinds, fetchesRows: () => true, stop: till.stop },
  };
};

const TICKETS = 4_000;
/** https://learn.microsoft.com/graph/api/listitem-delta: what Graph gives where nothing else is asked for. */
const ITEMS_A_PAGE = 200;

const sharepoint: Open = async (bench) => {
  const site = await startSimulator("graph", bench.say);
  const told = (await site.command("about")) as Record<"tenantId" | "clientId" | "siteUrl" | "listId", string>;
  // Pages of a real feed may also be empty, which is no doing of the connector.
  await site.command("quirks", { emptyPages: false });
  await grow(site, "list_items", TICKETS, ({ fields }) => /^Ticket /.test(String(Object(fields).Title)));
  const { tenantId, clientId, siteUrl } = told;
  return {
    ...{ provider: "msft_sharepoint", entities: [`list_items:${told.listId}`], rows: TICKETS },
    connection: {
      config: { tenantId, clientId, siteUrl, graphUrl: site.apiUrl, loginUrl: site.apiUrl },
      secrets: site.secrets,
    },
    ...{ least: TICKETS / ITEMS_A_PAGE, leastIs: "pages of 200 items of the delta feed", mostToLeast },
    ...{ counts: site.requestKinds, fetchesRows: (kind) => /\/items\//.test(kind), stop: site.stop },
  };
};

const SHOP_ORDERS = 3_000;
/** One starts it, one fetches its file. https://shopify.dev/docs/api/usage/bulk-operations/queries */
const REQUESTS_A_BULK = 2;

const shopifyBulk: Open = async (bench) => {
  const shop = await openShop(bench);
  return {
    ...{ ...shop, least: REQUESTS_A_BULK, mostToLeast },
    leastIs: "a bulk operation is started and its file fetched, however many rows it has",
    fetchesRows: (kind) => /bulkOperationRunQuery|GET/.test(kind),
  };
};

const ORDERS_A_PAGE = 250;

const shopifyPages: Open = async (bench) => {
  const shop = await openShop(bench, { bulkEnabled: false });
  return {
    ...{ ...shop, least: SHOP_ORDERS / ORDERS_A_PAGE },
    leastIs: "pages of 250 orders, where bulk queries are refused; 1,000 points a query allow fewer of all columns",
    fetchesRows: (kind) => kind === "POST orders",
  };
};

type Shop = Omit<CountedSource, "least" | "leastIs" | "fetchesRows">;

async function openShop(bench: Bench, settings: Record<string, unknown> = {}): Promise<Shop> {
  const shop = await startSimulator("shopify", bench.say);
  await grow(shop, "Order", SHOP_ORDERS, () => true);
  await shop.command("settings", settings);
  // Searches lag behind, and a connector stays a few minutes behind them.
  await shop.advance(900);
  return {
    ...{ provider: "shopify", entities: ["orders"], rows: SHOP_ORDERS, counts: shop.requestKinds, stop: shop.stop },
    connection: {
      config: { shop: "simulated.myshopify.com", baseUrl: shop.apiUrl },
      secrets: shop.secrets,
    },
  };
}

/** Until there are `count` records of a kind: the newest is copied, seven a second from its time on. */
async function grow(
  simulator: SimulatorProcess,
  table: string,
  count: number,
  isOne: (record: Record<string, unknown>) => boolean,
): Promise<void> {
  const there = (await simulator.records(table)).filter(isOne);
  const last = there.toSorted((a, b) => Number(a.id) - Number(b.id)).at(-1);
  const missing = Math.max(0, count - there.length);
  const from = Number(last?.id) + 1;
  const begin = Date.parse(String(last?.updated_at));
  const timeOf = (index: number) =>
    Number.isNaN(begin) ? {} : { updated_at: new Date(begin + Math.floor(index / 7) * 1000).toISOString() };
  await simulator.putAll(
    table,
    Array.from({ length: missing }, (_, i) => ({ ...last, id: from + i, ...timeOf(i) })),
  );
}

export const COUNTED_SOURCES: Record<string, Open> = {
  ...{ s3, http_api: httpApi, msft_sharepoint: sharepoint },
  ...{ shopify: shopifyBulk, "shopify-pages": shopifyPages },
};
