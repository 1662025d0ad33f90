import { TerminalError } from "../../core/errors.ts";
import { createPaginator } from "../lib/rest/paginators.ts";
import { createResources, type Resources } from "../lib/rest/resources.ts";
import type { ConnectionConfig } from "./config/connection.ts";
import type { SourceConfig } from "./config/source-config.ts";

/**
 * The resources of a connection as one sync reads them.
 * @throws TerminalError config_invalid where the sync's sourceConfig names a resource that the connection does not have
 */
export function settleResources(config: ConnectionConfig, sourceConfig: SourceConfig): Resources {
  const declared = new Set(config.resources.map(({ name }) => name));
  const stray = Object.keys(sourceConfig.resources).find((name) => !declared.has(name));
  if (stray !== undefined) {
    throw new TerminalError(
      "config_invalid",
      `http_api: sourceConfig.resources names '${stray}', which the connection has not.`,
      { fix: "Correct the name in sourceConfig, or add the resource to the connection." },
    );
  }
  const { auth } = config;
  const secretParameters = auth.type === "api_key" && auth.in === "query" ? [auth.name] : [];
  return createResources("http_api", config.resources, (resource) => {
    const { query, initial, maxPages, columns, exclude } = sourceConfig.resources[resource.name] ?? {};
    const { incremental } = resource;
    return {
      ...resource,
      query: { ...resource.query, ...query },
      maxPages: maxPages ?? resource.maxPages,
      incremental: incremental && initial !== undefined ? { ...incremental, initial } : incremental,
      ...(columns === undefined && exclude === undefined ? {} : { choice: { columns, exclude } }),
      paging: createPaginator("http_api", resource.paginator ?? config.paginator, secretParameters),
    };
  });
}
