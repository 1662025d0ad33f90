import { failedCheck, passedCheck } from "../../core/connection-tasks.ts";
import { isProviderError, TerminalError } from "../../core/errors.ts";
import type { Ask } from "../lib/graphql/ask.ts";
import type { GraphqlTools } from "../lib/graphql/declaration.ts";
import { JobRefusedError } from "../lib/jobs.ts";
import { once } from "../lib/once.ts";
import type { EntityPlan, EntitySchema, PlanRequest, Source, SourceCheck } from "../provider.ts";
import { CANCEL, createBulk } from "./bulk.ts";
import type { ShopifyConfig } from "./config.ts";
import { mayHide, mayLack, tellHidden, withoutHidden } from "./hidden-columns.ts";
import { createPayments } from "./payments.ts";
import { readScopes, type Scopes } from "./scopes.ts";
import { otherVersion } from "./version.ts";

/** Without it, orders that are older than 60 days are left out without a word. */
const ALL_ORDERS = "read_all_orders";
const OF_ORDERS = "orders";
const SIXTY_DAYS = `Without the scope ${ALL_ORDERS} Shopify shows the orders of the last 60 days alone.`;
const GET_ALL_ORDERS = `Ask Shopify for the scope ${ALL_ORDERS} if you need older orders, and install the app in the shop again.`;

const GIVE_SCOPES = "Give the app the scopes, or leave the columns out (sourceConfig.resources).";

/** Scopes are known before anything is read: an entity that lacks one does not stand in the way of others. */
export function extendShopify(source: Source, { ask, resources, options }: GraphqlTools<ShopifyConfig>): Source {
  const scopes = once(() => readScopes(ask));
  const payments = createPayments(ask);

  /** An id that the app may not see stands in nobody's way, nor on a later page: the first one may have no such object. */
  async function planSeen(request: PlanRequest): Promise<EntityPlan> {
    const less = mayHide(resources, request) ? withoutHidden(resources, request, await scopes()) : null;
    return await source.plan(less ?? request);
  }

  return {
    ...source,
    check: () => check(ask, options.config, resources),
    async discover(keys, knownSpecs, named) {
      const found = await source.discover(keys, knownSpecs, named);
      const { has } = await scopes();
      return found.map((entity) => {
        const { permission } = resources.get(entity.entityKey);
        return has(permission) ? entity : withoutScope(entity, permission ?? "");
      });
    },
    async plan(request) {
      const plan = await planSeen(request);
      const absent = await payments.whyNone(request.entityKey);
      return absent === null ? plan : { ...plan, evidence: { ...plan.evidence, absent } };
    },
    async *read(request) {
      const { entityKey } = request.spec;
      const isFromStart = request.checkpoint === null && entityKey === OF_ORDERS;
      const absent = request.checkpoint === null ? await payments.whyNone(entityKey) : null;
      if (absent !== null) await request.warn?.(`${entityKey}: ${absent}`);
      if (isFromStart && !(await scopes()).has(ALL_ORDERS)) await request.warn?.(`${SIXTY_DAYS} ${GET_ALL_ORDERS}`);
      if (request.checkpoint === null && mayLack(resources, request.spec)) {
        const hidden = tellHidden(resources, request.spec, await scopes());
        if (hidden !== null) await request.warn?.(`${hidden} ${GIVE_SCOPES}`);
      }
      yield* source.read(request);
    },
  };
}

function withoutScope(entity: EntitySchema, scope: string): EntitySchema {
  const message = `shopify: ${entity.entityKey}: the app lacks the access scope ${scope}.`;
  const failure = new TerminalError("source_permission_denied", message, { fix: giveScope(scope) });
  return { ...entity, description: `Cannot be read now: ${message}`, failure };
}

const giveScope = (scope: string): string =>
  `Give the app the access scope ${scope}, and install it in the shop again.`;

/** Nothing is written in the shop. The bulk operation finds nothing, and is cancelled. */
async function check(
  ask: Ask,
  { apiVersion, bulk }: ShopifyConfig,
  resources: GraphqlTools<ShopifyConfig>["resources"],
): Promise<SourceCheck[]> {
  let scopes: Scopes;
  try {
    scopes = await readScopes(ask);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    return [failedCheck("token", error)];
  }
  return [
    passedCheck("token", `The shop takes the token. The app has ${scopes.handles.size} access scopes.`),
    checkVersion(apiVersion, scopes.apiVersion),
    ...checkScopes(scopes, resources),
    ...(await createPayments(ask).check(scopes)),
    ...(bulk === "never" ? [] : [await checkBulk(ask, scopes)]),
  ];
}

function checkVersion(asked: string, answered: string | null): SourceCheck {
  const other = otherVersion(asked, answered);
  if (other === null) return passedCheck("API version", `The shop answers version ${asked}.`);
  return { name: "API version", ok: false, ...other };
}

function checkScopes(scopes: Scopes, resources: GraphqlTools<ShopifyConfig>["resources"]): SourceCheck[] {
  const missing = resources.names.flatMap((entityKey): SourceCheck[] => {
    const { permission = "" } = resources.get(entityKey);
    if (permission === "" || scopes.has(permission)) return [];
    const message = `The app lacks the access scope ${permission}, so ${entityKey} cannot be read.`;
    return [{ name: `scope ${permission}`, ok: false, message, fix: giveScope(permission), entityKey }];
  });
  if (!scopes.has("read_orders") || scopes.has(ALL_ORDERS)) return missing;
  return [...missing, { ...passedCheck(`scope ${ALL_ORDERS}`, SIXTY_DAYS), fix: GET_ALL_ORDERS, entityKey: OF_ORDERS }];
}

/** Finds nothing: there is no object with such an id. */
const EMPTY_QUERIES: [scope: string, query: string][] = [
  ["read_products", `{ products(query: "id:0") { edges { node { id } } } }`],
  ["read_orders", `{ orders(query: "id:0") { edges { node { id } } } }`],
  ["read_customers", `{ customers(query: "id:0") { edges { node { id } } } }`],
];

async function checkBulk(ask: Ask, scopes: Scopes): Promise<SourceCheck> {
  const name = "bulk operations";
  const query = EMPTY_QUERIES.find(([scope]) => scopes.has(scope))?.[1];
  if (query === undefined)
    return passedCheck(name, "Not looked at: the app may read nothing that it could be tried with.");
  try {
    const id = await createBulk(ask, query);
    await ask({ doing: "the cancelling of a bulk operation", query: CANCEL, variables: { id } });
    return passedCheck(name, "The shop runs bulk operations for this app.");
  } catch (error) {
    if (error instanceof JobRefusedError) {
      const message = `The shop runs no bulk operation for this app now (${error.message}). Sluice reads pages instead, which takes longer.`;
      return {
        ...passedCheck(name, message),
        fix: "Enable bulk queries for the app in the Partner Dashboard, or wait until other bulk operations have ended.",
      };
    }
    if (isProviderError(error)) return failedCheck(name, error);
    throw error;
  }
}
