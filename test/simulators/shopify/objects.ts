import { GraphQLError } from "graphql";
import type { Stored } from "../store.ts";
import type { ShopContext } from "./context.ts";
import { objectsOf } from "./schema.ts";
import type { Resolved } from "./synthesize.ts";

/** A record as the objects of its type are resolved. */
export function resolvedOf(type: string, record: Stored): Resolved {
  return { type, fields: record, seed: `${type}/${record.id}/${record.revision ?? 0}` };
}

export function hasScope({ settings, tools }: ShopContext, scope: string): boolean {
  return settings.scopes.includes(scope) && tools.isAllowed(scope);
}

export function gidOf(type: string, record: Stored): string {
  const suffix = type === "InventoryLevel" ? `?inventory_item_id=${record.item}` : "";
  return `gid://shopify/${type}/${record.id}${suffix}`;
}

/** @param type of the field that asks; null where the id names none, or one of another type */
export function findByGid(context: ShopContext, gid: string, type: string): Resolved | null {
  const [, table = "", id] = /^gid:\/\/shopify\/(\w+)\/(\d+)/.exec(gid) ?? [];
  if (!objectsOf(type).includes(table)) return null;
  const record = context.store.find(table, Number(id));
  return record === undefined || !isVisible(context, table, record) ? null : resolvedOf(table, record);
}

const SIXTY_DAYS_MS = 60 * 86_400_000;

/** Without `read_all_orders` the orders of the last 60 days are all there are. Nothing says so. */
export function isVisible(context: ShopContext, table: string, record: Stored): boolean {
  if (table !== "Order" || hasScope(context, "read_all_orders")) return true;
  return Date.parse(String(record.created_at)) >= context.clock.now() - SIXTY_DAYS_MS;
}

export function internalError(): GraphQLError {
  return new GraphQLError("Internal error. Looks like something went wrong on our end.", {
    extensions: { code: "INTERNAL_SERVER_ERROR", requestId: "1" },
  });
}
