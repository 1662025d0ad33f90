import { TerminalError } from "../../core/errors.ts";
import type { ConnectionConfig } from "./config/connection.ts";
import type { ResourceConfig } from "./config/resource.ts";
import type { SourceConfig } from "./config/source-config.ts";
import { createPaginator, type Paginator } from "./paginators.ts";
import { PARENT_PREFIX } from "./record-shape.ts";
import { parentFieldsIn } from "./templates.ts";

/** A resource as one sync reads it. */
export interface Resource extends ResourceConfig {
  paging: Paginator;
  /** Fields of the parent that each record gets, as `_parent_<field>`. */
  parentFields: string[];
}

export interface Resources {
  names: string[];
  /** @throws TerminalError entity_unknown */
  get(name: string): Resource;
}

/** @throws TerminalError config_invalid where the sync's sourceConfig names a resource that the connection does not have */
export function createResources(config: ConnectionConfig, sourceConfig: SourceConfig): Resources {
  const declared = new Map(config.resources.map((resource) => [resource.name, resource]));
  const stray = Object.keys(sourceConfig.resources).find((name) => !declared.has(name));
  if (stray !== undefined) {
    throw new TerminalError(
      "config_invalid",
      `http_api: sourceConfig.resources names '${stray}', which the connection has not.`,
    );
  }
  return {
    names: [...declared.keys()],
    get(name) {
      const resource = declared.get(name);
      if (resource === undefined) {
        const message = `http_api: the connection has no resource '${name}'. Correct the entities of the sync.`;
        throw new TerminalError("entity_unknown", message);
      }
      return settle(resource, config, sourceConfig.resources[name] ?? {});
    },
  };
}

function settle(
  resource: ResourceConfig,
  config: ConnectionConfig,
  { query, initial, maxPages }: SourceConfig["resources"][string],
): Resource {
  const { incremental, parent } = resource;
  const { auth } = config;
  const secretParameters = auth.type === "api_key" && auth.in === "query" ? [auth.name] : [];
  return {
    ...resource,
    query: { ...resource.query, ...query },
    maxPages: maxPages ?? resource.maxPages,
    incremental: incremental && initial !== undefined ? { ...incremental, initial } : incremental,
    paging: createPaginator(resource.paginator ?? config.paginator, secretParameters),
    parentFields: parent ? [...new Set([...parentFieldsIn(resource), ...parent.fields])] : [],
  };
}

export function parentColumnPath(field: string): string {
  return `${PARENT_PREFIX}${field}`;
}
