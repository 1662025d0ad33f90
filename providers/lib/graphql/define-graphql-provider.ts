import type { Provider } from "../../provider.ts";
import type { RestSourceConfig } from "../rest/declaration.ts";
import { defineRestProvider } from "../rest/define-rest-provider.ts";
import type { PageSizes } from "./client.ts";
import { limitOf } from "./cost.ts";
import type { GraphqlDeclaration } from "./declaration.ts";
import { toRest } from "./to-rest.ts";

/**
 * The connector of a vendor whose API is GraphQL with Relay connections. Nothing that connects is loaded before the first `connect`.
 * @throws Error where the declaration contradicts itself
 */
export function defineGraphqlProvider<Config extends Record<string, unknown>, SecretName extends string>(
  declaration: GraphqlDeclaration<Config, SecretName>,
): Provider<Config, RestSourceConfig> {
  /** Page sizes that the vendor took, by query: a slice need not find out what the one before has. */
  const sizes = new Map() as PageSizes;
  const rest = toRest(declaration);
  const { key, cost, resources } = declaration;
  const searched = resources.find(({ cursor, terms }) => typeof cursor?.term === "string" || terms !== undefined);
  if (searched !== undefined && declaration.search === undefined)
    throw new Error(`${key}: resource ${searched.entityKey}: it has search terms, and there is no \`search\`.`);
  return defineRestProvider({
    ...rest,
    api: (connection) => ({ ...(cost === undefined ? {} : { limit: limitOf(cost) }), ...rest.api(connection) }),
    extend: async (_, tools) => {
      const { connectGraphql } = await import("./connect-graphql.ts");
      return await connectGraphql(declaration, tools, sizes);
    },
  });
}
