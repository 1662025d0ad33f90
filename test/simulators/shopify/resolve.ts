import {
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
} from "graphql";
import type { Stored } from "../store.ts";
import { pageOf } from "./connections.ts";
import type { ShopContext } from "./context.ts";
import { findByGid, gidOf, hasScope, internalError, isVisible, resolvedOf } from "./objects.ts";
import { CHILDREN, SCOPES } from "./relations.ts";
import { ROOT_FIELDS } from "./root-fields.ts";
import { nodeTypeOf, objectsOf } from "./schema.ts";
import { type Resolved, synthesize } from "./synthesize.ts";

/** Answers any field of the schema: from the record where it has it, from the store where it is a relation, else by `synthesize`. */
export const resolveField: GraphQLFieldResolver<unknown, ShopContext> = (source, args, context, info) => {
  checkAccess(context, info);
  if (source === null || source === undefined) return resolveRoot(args, context, info);
  const parent = source as Resolved;
  const { fieldName, returnType, parentType } = info;
  // The parts of a page, and what a root field made.
  if (!("seed" in parent)) return (source as Record<string, unknown>)[fieldName];
  if (context.takeFailure(`${parentType.name}.${fieldName}`)) throw internalError();
  const given = givenField(parent, fieldName);
  const children = CHILDREN[`${parentType.name}.${fieldName}`];
  if (children !== undefined) {
    const { table, by } = children;
    const records = context.store.rows(table).filter((record) => record[by] === parent.fields.id);
    return listOf(context, records, table, args, info);
  }
  if (nodeTypeOf(returnType) !== null) return listOf(context, [], nodeTypeOf(returnType) ?? "", args, info);
  if (given !== undefined) return wrap(context, given, returnType, parent.seed, fieldName);
  if (isListType(getNullableType(returnType)) && isStored(context, getNamedType(returnType).name)) return [];
  if (!isNonNullType(returnType) && isStored(context, getNamedType(returnType).name)) return null;
  return synthesize(returnType, parent.seed, fieldName);
};

function resolveRoot(args: Record<string, unknown>, context: ShopContext, info: GraphQLResolveInfo): unknown {
  const { fieldName, returnType } = info;
  const own = ROOT_FIELDS[fieldName];
  if (own !== undefined) return own(args, context, info);
  const node = nodeTypeOf(returnType);
  if (node !== null) {
    const table = LISTED[node] ?? node;
    const records = context.store
      .rows(table)
      .filter((record) => isVisible(context, table, record) && isListed(fieldName, record, args));
    return listOf(context, records, table, args, info, true);
  }
  if (typeof args.id === "string") return findByGid(context, args.id, getNamedType(returnType).name);
  const counted = /^(\w+)sCount$/.exec(fieldName)?.[1];
  if (counted !== undefined) {
    const table = `${counted[0]?.toUpperCase()}${counted.slice(1)}`;
    return { count: Math.min(context.store.rows(table).length, 10_000), precision: "EXACT" };
  }
  return synthesize(returnType, "QueryRoot", fieldName);
}

/** What lists of an interface have. */
const LISTED: Record<string, string> = { Event: "BasicEvent", Catalog: "MarketCatalog" };

/** Lists that leave something out unless they are asked for it. */
function isListed(field: string, record: Stored, args: Record<string, unknown>): boolean {
  if (field === "locations") return args.includeInactive === true || record.isActive !== false;
  if (field !== "fulfillmentOrders" || args.includeClosed === true) return true;
  return !["CLOSED", "CANCELLED", "INCOMPLETE"].includes(String(record.status));
}

function listOf(
  context: ShopContext,
  records: readonly Stored[],
  table: string,
  args: Record<string, unknown>,
  info: GraphQLResolveInfo,
  isRoot = false,
): unknown {
  const field = info.parentType.getFields()[info.fieldName];
  if (field === undefined) throw new Error(`${info.parentType.name} has no ${info.fieldName}`);
  if (nodeTypeOf(info.returnType) === null) {
    const { first } = args;
    return records.slice(0, typeof first === "number" ? first : undefined).map((each) => resolvedOf(table, each));
  }
  const isSearched = isRoot || typeof args.query === "string";
  const page = pageOf(context, records, args, { field, table, isSearched });
  const nodes = page.nodes.map((record) => resolvedOf(table, record));
  return {
    nodes,
    edges: nodes.map((node, i) => ({ node, cursor: page.cursors[i] ?? "" })),
    pageInfo: {
      ...{ hasNextPage: page.hasNextPage, hasPreviousPage: page.hasPreviousPage },
      ...{ startCursor: page.cursors[0] ?? null, endCursor: page.cursors.at(-1) ?? null },
    },
  };
}

/** What the record has, by the names that the store gives to what all records have. */
function givenField({ type, fields }: Resolved, field: string): unknown {
  if (field === "id" && typeof fields.id === "number") return gidOf(type, fields as Stored);
  if (field === "legacyResourceId" && typeof fields.id === "number") return String(fields.id);
  if (field === "updatedAt" && fields.updated_at !== undefined) return fields.updated_at;
  if (field === "createdAt" && fields.created_at !== undefined) return fields.created_at;
  return fields[field];
}

/** @param given a leaf as it is; for an object the number of a record, or its fields */
function wrap(context: ShopContext, given: unknown, type: GraphQLOutputType, seed: string, field: string): unknown {
  if (given === null) return null;
  const inner = getNullableType(type);
  if (isListType(inner)) {
    const items = Array.isArray(given) ? given : [];
    return items.map((item, i) => wrap(context, item, inner.ofType, `${seed}.${field}`, String(i)));
  }
  if (isLeafType(inner)) return given;
  const [only = inner.name] = objectsOf(inner.name);
  if (typeof given === "number") {
    const record = context.store.find(only, given);
    if (record !== undefined) return resolvedOf(only, record);
    // What is no longer listed, such as a line item that was removed, is still known to what refers to it.
    return isNonNullType(type) ? resolvedOf(only, { id: given } as Stored) : null;
  }
  const { __typename: named, ...fields } = given as Record<string, unknown>;
  return { type: String(named ?? only), fields, seed: `${seed}.${field}` } satisfies Resolved;
}

/** Its objects are records, so one that nobody named is not there. */
function isStored(context: ShopContext, type: string): boolean {
  return objectsOf(type).some((name) => context.store.rows(name).length > 0);
}

/** @throws GraphQLError where none of the scopes is granted that let the app read what the field answers */
function checkAccess(context: ShopContext, { returnType, fieldName }: GraphQLResolveInfo): void {
  const needed = SCOPES[nodeTypeOf(returnType) ?? getNamedType(returnType).name];
  if (needed === undefined || needed.some((scope) => hasScope(context, scope))) return;
  const requiredAccess = `${needed.map((scope) => `\`${scope}\``).join(" or ")} access scope.`;
  throw new GraphQLError(`Access denied for ${fieldName} field. Required access: ${requiredAccess}`, {
    extensions: {
      ...{ code: "ACCESS_DENIED", requiredAccess },
      documentation: "https://shopify.dev/api/usage/access-scopes",
    },
  });
}
