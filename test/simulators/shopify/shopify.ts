import { parse } from "graphql";
import { createDice } from "../../support/random.ts";
import type { Vendor, VendorAnswer, VendorRequest, VendorTools } from "../vendor.ts";
import { createAccessDesk } from "./access.ts";
import { createBulkDesk } from "./bulk.ts";
import type { BulkDesk } from "./context.ts";
import { fillShop } from "./fill.ts";
import { followChange } from "./follow.ts";
import { answerQuery, createBucket } from "./graphql.ts";
import { TOUCHES } from "./relations.ts";
import { run } from "./run.ts";
import { createSettings, type ShopSettings } from "./settings.ts";
import { createShopIndex, type ShopIndex } from "./shop-index.ts";

export { FIRST_REFRESH_TOKEN, SHOP_APP, SHOP_TOKEN } from "./access.ts";

/** Versions that answer; an older one is answered by the oldest, as Shopify does. */
const VERSIONS = ["2026-01", "2026-04", "2026-07", "2026-10", "2027-01", "unstable"];

/** In a 200, as it comes now and then. */
export const INTERNAL_ERROR: VendorAnswer = {
  status: 200,
  body: {
    errors: [
      {
        message:
          "Internal error. Looks like something went wrong on our end.\nRequest ID: 1 (include this in support requests).",
        extensions: { code: "INTERNAL_SERVER_ERROR", requestId: "1" },
      },
    ],
  },
};

/** A shop: its Admin API over the store. What is running at it, besides. */
export interface Shop extends Vendor {
  settings: ShopSettings;
  bulk(): BulkDesk;
  /**
   * What the shop holds, told by itself: the query is executed over the present store, lists are whole (without `first`), and nothing is
   * limited, late or refused. @throws GraphQLError
   */
  tell(query: string, tools: Pick<VendorTools, "store" | "clock">): Record<string, unknown>;
}

/** Written from the public documents: shopify.dev and the published schema, not from a connector. */
export function createShop(given: Partial<ShopSettings> = {}): Shop {
  const settings = createSettings(given);
  const failures: string[] = [];
  let index: ShopIndex | null = null;
  let parts: ReturnType<typeof createParts> | null = null;

  function createParts({ store, clock, dice }: VendorTools) {
    return {
      access: createAccessDesk(clock, settings),
      bulk: createBulkDesk(clock, settings, dice),
      bucket: createBucket(clock, settings),
      index: index ?? createShopIndex(store, clock, settings),
    };
  }

  /** Made with the first request or change: only then there is a store. */
  function at(tools: VendorTools) {
    parts ??= createParts(tools);
    return parts;
  }

  function answer(request: VendorRequest, tools: VendorTools): VendorAnswer {
    const { access, bulk, bucket, index: seen } = at(tools);
    const { path, headers, to } = request;
    if (to === "files") return answerFile(request, tools, bulk);
    if (settings.refusal !== null) return settings.refusal;
    if (path === "/admin/oauth/access_token" && request.method === "POST") return access.answer(request.body, tools);
    const asked = /^\/admin\/api\/([\w-]+)\/graphql\.json$/.exec(path)?.[1];
    if (asked === undefined || (!VERSIONS.includes(asked) && asked > "2026")) return NOT_FOUND;
    const version = settings.answeredVersion ?? (VERSIONS.includes(asked) ? asked : (VERSIONS[0] ?? ""));
    const token = headers["x-shopify-access-token"];
    if (!access.isGood(typeof token === "string" ? token : undefined, tools)) return UNAUTHORIZED;
    if (request.method !== "POST") return { status: 406, body: { errors: "Not Acceptable" } };
    const takeFailure = (field: string): boolean => {
      const place = failures.indexOf(field);
      if (place >= 0) failures.splice(place, 1);
      return place >= 0;
    };
    const common = {
      tools,
      store: tools.store,
      clock: tools.clock,
      settings,
      index: seen,
      bulk,
      isBulk: false,
      takeFailure,
    };
    const given = answerQuery(request.body, bucket, common);
    return { ...given, headers: { ...given.headers, "x-shopify-api-version": version } };
  }

  const shop: Shop = {
    name: "shopify",
    settings,
    bulk() {
      if (parts === null) throw new Error("nobody has asked the shop for anything yet");
      return parts.bulk;
    },
    tell(query, { store, clock }) {
      const tools = { store, clock, isAllowed: () => true } as unknown as VendorTools;
      const { data, errors = [] } = run(parse(query), {
        ...{ tools, store, clock, settings: createSettings(), index: { seen: (_, record) => record } },
        ...{
          bulk: createBulkDesk(clock, settings, createDice(1)),
          isBulk: true,
          warn: () => undefined,
          takeFailure: () => false,
        },
      });
      if (errors[0] !== undefined) throw errors[0];
      return data as Record<string, unknown>;
    },
    fill(store, dice, clock) {
      fillShop(store, dice, clock);
      index = createShopIndex(store, clock, settings);
    },
    changeable: [
      ...Object.keys(TOUCHES),
      "Order",
      "Product",
      "Customer",
      "Collection",
      "InventoryItem",
      "InventoryLevel",
    ],
    follow(change, before, tools) {
      at(tools);
      followChange(change, before, tools, settings);
    },
    answer,
    refuse: ({ path }, tools) =>
      path.endsWith("/graphql.json")
        ? { status: 200, body: at(tools).bucket.throttled(100) }
        : {
            status: 429,
            headers: { "retry-after": "2.0" },
            body: { errors: "Exceeded 2 calls per second for api client." },
          },
    commands: {
      /** Changes `ShopSettings`. */
      settings: (changes) => void Object.assign(settings, changes),
      finish_jobs: (how, tools) => at(tools).bulk.finish(how ?? {}),
      lose_jobs: (_, tools) => at(tools).bulk.lose(),
      spoil_file: (how, tools) => at(tools).bulk.spoilNext(how === "error" ? "error" : "short"),
      expire_jobs: (_, tools) => at(tools).bulk.expire(),
      uninstall: (_, tools) => at(tools).access.uninstall(),
      /** The next time that the field is resolved (`Order.email`), it fails; the rest of the answer is there. */
      fail_field: (field) => void failures.push(String(field)),
      tell: (query, tools) => shop.tell(String(query), tools),
      jobs_made: (_, tools) => at(tools).bulk.made(),
    },
  };
  return shop;
}

const NOT_FOUND: VendorAnswer = { status: 404, body: { errors: "Not Found" } };
const UNAUTHORIZED: VendorAnswer = {
  status: 401,
  body: { errors: "[API] Invalid API key or access token (unrecognized login or wrong password)" },
};
export const FROZEN = { status: 402, body: { errors: "[API] This shop is currently unavailable (payment required)" } };
export const LOCKED = { status: 423, body: { errors: "[API] This shop is currently locked" } };

/** The other host: presigned results, which take no credentials, and the shop's alias, which sends one to its real name. */
function answerFile({ path, query, headers }: VendorRequest, { apiUrl }: VendorTools, bulk: BulkDesk): VendorAnswer {
  if (path.startsWith("/admin/")) return { status: 301, headers: { location: `${apiUrl}${path}` }, body: "" };
  const hasCredentials = headers.authorization !== undefined || headers["x-shopify-access-token"] !== undefined;
  if (hasCredentials) return { status: 400, body: "<Error><Code>InvalidArgument</Code></Error>" };
  const text = query.get("signature") === "s3cr3t" ? bulk.fileOf(path) : null;
  if (text === null) return { status: 403, body: "<Error><Code>ExpiredToken</Code></Error>" };
  return { status: 200, headers: { "content-type": "application/jsonl" }, body: text };
}
