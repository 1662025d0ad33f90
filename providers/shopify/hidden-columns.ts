import { isChosen } from "../../core/column-choice.ts";
import type { GraphqlTools } from "../lib/graphql/declaration.ts";
import type { EntityReadSpec, PlanRequest } from "../provider.ts";
import type { ShopifyConfig } from "./config.ts";
import type { Scopes } from "./scopes.ts";

/** Objects of another kind, of which rows have the ids: Shopify gives them to apps with the scope of that kind, and refuses the whole query otherwise. */
const SCOPES: Record<string, string> = {
  customer_id: "read_customers",
  product_id: "read_products",
  variant_id: "read_products",
  retail_location_id: "read_locations",
  location_id: "read_locations",
  assigned_location_id: "read_locations",
  inventory_item_id: "read_inventory",
  return_id: "read_returns",
  order_id: "read_orders",
  last_order_id: "read_orders",
  line_item_id: "read_orders",
  origin_order_id: "read_orders",
  delivery_profile_id: "read_shipping",
  publication_id: "read_publications",
  // Only apps of some plans get it.
  user_id: "read_users",
};

/** Columns of JSON that have such an id inside. */
const SCOPES_INSIDE: Record<string, string> = { refund_line_items: "read_locations" };

const scopeOf = (column: string): string | undefined => SCOPES_INSIDE[column] ?? SCOPES[column];

type Resources = GraphqlTools<ShopifyConfig>["resources"];

/** The columns of an entity that its sync wants, and which of them may be hidden from the app. */
function columnsOf(resources: Resources, entityKey: string) {
  const { choice = {}, declared = {}, primaryKey } = resources.get(entityKey);
  const all = Object.entries(declared).map(([path, { column }]) => ({ path, column }));
  const wanted = all.filter(({ column }) => isChosen(choice, column));
  const referring = wanted.filter(
    ({ path, column }) =>
      SCOPES_INSIDE[column] !== undefined ||
      (path.endsWith(".id") && !primaryKey.includes(path) && SCOPES[column] !== undefined),
  );
  return { wanted: wanted.map(({ column }) => column), referring: referring.map(({ column }) => column) };
}

function hiddenOf(resources: Resources, entityKey: string, { has }: Scopes): string[] {
  return columnsOf(resources, entityKey).referring.filter((column) => !has(scopeOf(column)));
}

/** Does it have columns that an app may not see? Asks nobody. */
export function mayHide(resources: Resources, { entityKey, members = [] }: PlanRequest): boolean {
  return [entityKey, ...members.map((member) => member.entityKey)].some(
    (key) => columnsOf(resources, key).referring.length > 0,
  );
}

/** The plan without the columns that the app may not see; null where it may see all. */
export function withoutHidden(resources: Resources, request: PlanRequest, scopes: Scopes): PlanRequest | null {
  let isLess = false;
  const reduce = <T extends { entityKey: string; columns?: string[] }>(entity: T): T => {
    const hidden = hiddenOf(resources, entity.entityKey, scopes);
    const asked = entity.columns ?? columnsOf(resources, entity.entityKey).wanted;
    const columns = asked.filter((column) => !hidden.includes(column));
    isLess ||= columns.length < asked.length;
    return columns.length < asked.length ? { ...entity, columns } : entity;
  };
  const { members } = request;
  const reduced = { ...reduce(request), ...(members === undefined ? {} : { members: members.map(reduce) }) };
  return isLess ? reduced : null;
}

/** May the read lack columns that its sync wants? Asks nobody. */
export function mayLack(resources: Resources, spec: EntityReadSpec): boolean {
  return [spec, ...(spec.members ?? [])].some(({ entityKey, columns }) =>
    columnsOf(resources, entityKey).referring.some((column) => !columns.some(({ name }) => name === column)),
  );
}

/** What the run has to say of them; null: nothing. */
export function tellHidden(resources: Resources, spec: EntityReadSpec, scopes: Scopes): string | null {
  const hidden = [spec, ...(spec.members ?? [])].flatMap(({ entityKey, columns }) =>
    hiddenOf(resources, entityKey, scopes)
      .filter((column) => !columns.some(({ name }) => name === column))
      .map((column) => `${entityKey}.${column} (${scopeOf(column)})`),
  );
  if (hidden.length === 0) return null;
  return `Columns are not read, since the app lacks their access scopes: ${hidden.join(", ")}.`;
}
