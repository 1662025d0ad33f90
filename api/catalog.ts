import { z } from "@hono/zod-openapi";
import type { Provider } from "../providers/provider.ts";
import type { CatalogJson } from "./schemas/catalog.ts";

type JsonSchema = Record<string, unknown>;

/** A provider's declaration as the catalog serves it. */
export function presentCatalog(provider: Provider): CatalogJson {
  const defaults = provider.sourceConfigSchema.safeParse({});
  return {
    availableResources: provider.resources.map((resource) => resource.entityKey),
    configSchema: toJsonSchema(provider.sourceConfigSchema),
    connectionSchema: presentConnectionSchema(provider),
    defaultResources: provider.resources
      .filter((resource) => resource.defaultSelected)
      .map((resource) => resource.entityKey),
    // A source config with required fields has no defaults as a whole.
    defaults: defaults.success ? defaults.data : {},
    displayName: provider.displayName,
    dynamicResources: provider.dynamicResources,
    name: provider.key,
    provider: provider.key,
    resources: provider.resources.map((resource) => ({
      childOf: resource.childOf ?? null,
      columns: resource.columns ?? null,
      configSchema: resource.configSchema === null ? {} : toJsonSchema(resource.configSchema),
      cursorField: resource.cursorField,
      defaultSelected: resource.defaultSelected,
      dependsOn: resource.dependsOn,
      description: resource.description,
      displayName: resource.displayName,
      entityKey: resource.entityKey,
      loadMode: resource.loadMode,
      primaryKey: resource.primaryKey ?? null,
      sizeClass: resource.sizeClass,
      slicing: resource.slicing,
      storageDescription: resource.storageDescription,
      storageKind: resource.storageKind,
    })),
  };
}

/** `config` and `secrets` side by side, so that one form can ask for both. */
function presentConnectionSchema(provider: Provider): JsonSchema {
  const config = toJsonSchema(provider.connectionSchema);
  const secrets = Object.entries(provider.secrets);
  return {
    ...config,
    properties: {
      ...(config.properties ?? {}),
      ...Object.fromEntries(
        secrets.map(([name, { description }]) => [
          name,
          { type: "string", minLength: 1, writeOnly: true, description },
        ]),
      ),
    },
    required: [
      ...(Array.isArray(config.required) ? config.required : []),
      ...secrets.filter(([, { required }]) => required).map(([name]) => name),
    ],
  };
}

/** Of what a client sends: defaults are optional there. */
function toJsonSchema(schema: z.ZodType): JsonSchema {
  return { ...z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" }) };
}
