import type { Provider } from "../../provider.ts";
import type { RestResource, RestSourceConfig } from "../rest/declaration.ts";
import { defineRestProvider } from "../rest/define-rest-provider.ts";
import type { FeedDeclaration, FeedResource } from "./declaration.ts";

/**
 * The connector of a vendor who tells the changes of some tables by feeds. Nothing that connects is loaded before the first `connect`.
 * @throws Error where the declaration contradicts itself
 */
export function defineFeedProvider<Config extends Record<string, unknown>, SecretName extends string>(
  declaration: FeedDeclaration<Config, SecretName>,
): Provider<Config, RestSourceConfig> {
  const { feeds, resources, ...rest } = declaration;
  return defineRestProvider({
    ...rest,
    resources: [...resources, ...feeds.map((feed) => toResource(declaration.key, feed))],
    extend: async (source, tools) => {
      const { withFeeds } = await import("./with-feeds.ts");
      return withFeeds(source, feeds, tools);
    },
  });
}

/** As the catalog and the docs page show it. */
function toResource<Config>(key: string, { page: _, first: __, ...feed }: FeedResource<Config>): RestResource {
  if (feed.primaryKey.length === 0) throw new Error(`${key}: feed ${feed.entityKey}: it has no primaryKey.`);
  return { ...feed, path: "", isFeed: true, loadMode: "upsert" };
}
