import { type DocumentNode, execute, type GraphQLError } from "graphql";
import type { ShopContext } from "./context.ts";
import { resolveField } from "./resolve.ts";
import { shopifySchema } from "./schema.ts";
import type { Resolved } from "./synthesize.ts";

/** Executes a query as it is: without cost, limits and checks. */
export function run(
  document: DocumentNode,
  contextValue: ShopContext,
  variableValues: Record<string, unknown> = {},
  operationName: unknown = null,
): { data?: unknown; errors?: readonly GraphQLError[] } {
  return execute({
    ...{ schema: shopifySchema(), document, variableValues, contextValue, fieldResolver: resolveField },
    ...(typeof operationName === "string" ? { operationName } : {}),
    typeResolver: (value) => ("seed" in Object(value) ? (value as Resolved).type : "BulkOperation"),
  }) as { data?: unknown; errors?: readonly GraphQLError[] };
}
