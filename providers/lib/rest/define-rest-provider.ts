import { z } from "zod";
import { defineProvider, type Provider, type ResourceDeclaration } from "../../provider.ts";
import { columnChoiceMembers, isOneChoice, ONE_CHOICE } from "../column-choice.ts";
import { instant } from "../config-fields.ts";
import type { RestChild, RestDeclaration, RestOverrides, RestResource, RestSourceConfig } from "./declaration.ts";
import { toChildConfig } from "./declared-child.ts";
import { toResourceConfig } from "./declared-resource.ts";
import { describeEntity } from "./entity-description.ts";
import { type RecordShape, shapeRecords } from "./record-shape.ts";
import type { ResourceConfig } from "./resource.ts";
import { asksForWindow, parentFieldsIn } from "./templates.ts";

/**
 * The connector of a vendor whose API is pages of records. Nothing that connects is loaded before the first `connect`.
 * @throws Error where the declaration contradicts itself
 */
export function defineRestProvider<Config extends Record<string, unknown>, SecretName extends string>(
  declaration: RestDeclaration<Config, SecretName>,
): Provider<Config, RestSourceConfig> {
  const { key, displayName, connectionSchema, secrets, sourceInstanceKey, resources } = declaration;
  const entities = resources.flatMap((resource): [DeclaredEntity, ResourceConfig][] => {
    const config = toResourceConfig(declaration, resource);
    const { children = [] } = resource;
    const inner = children.map((child): [DeclaredEntity, ResourceConfig] => [
      child,
      toChildConfig(declaration, config, child),
    ]);
    return [[resource, config], ...inner];
  });
  const { listings = [] } = declaration;
  const configs = [
    ...entities.map(([, config]) => config),
    ...listings.map((listing) => ({ ...toResourceConfig(declaration, listing), isForExtend: true })),
  ];
  checkParents(key, configs);
  const overrides = entities.map(([entity]) => [entity.entityKey, overridesOf(entity)] as const);
  const declared = entities.map(([entity, config]) => declareResource(entity, config));
  return defineProvider<Config, RestSourceConfig>({
    ...{ key, displayName, connectionSchema, secrets, sourceInstanceKey },
    ...(declaration.secretsOf === undefined ? {} : { secretsOf: declaration.secretsOf }),
    ...(declaration.limitsSharedBy === undefined ? {} : { limitsSharedBy: declaration.limitsSharedBy }),
    addressOf: declaration.addressOf ?? ((config) => config),
    sourceConfigSchema: z.strictObject({
      resources: z
        .strictObject(Object.fromEntries(overrides.map(([name, schema]) => [name, schema.optional()])))
        .default({}),
    }),
    dynamicResources: false,
    resources: declared,
    connect: async (options) => {
      const { connectRest } = await import("./connect-rest.ts");
      return await connectRest(declaration, configs, options);
    },
  });
}

/** A resource, or a table of what lies inside its records. */
export type DeclaredEntity = Omit<RestChild, "path" | "more" | "missingList"> & Pick<RestResource, "cursor">;

/** What one sync wants otherwise than the connector declares. */
function overridesOf({ cursor }: DeclaredEntity): z.ZodType<RestOverrides> {
  const choice = z.strictObject(columnChoiceMembers);
  if (cursor === undefined) return choice.refine(isOneChoice, ONE_CHOICE);
  const initial = instant.optional().describe("Nothing older is read. Absent: as declared.");
  return choice.extend({ initial }).refine(isOneChoice, ONE_CHOICE);
}

/** What the catalog says of it. */
export function declareResource(resource: DeclaredEntity, config: ResourceConfig): ResourceDeclaration {
  const shape = shapeOf(config);
  const entity = describeEntity(config, shape);
  const described = Object.entries(resource.columns).flatMap(([name, column]) =>
    typeof column === "string" || column.description === undefined ? [] : [[name, column.description] as const],
  );
  const descriptions = new Map(described);
  const paths = new Map(shape.fields.map(({ column, path }) => [column, path]));
  return {
    entityKey: resource.entityKey,
    displayName: resource.displayName,
    description: resource.description,
    columns: entity.columns.map(({ name, type, nullable }) => ({
      ...{ name, type, nullable, path: paths.get(name) ?? null, description: descriptions.get(name) ?? null },
    })),
    primaryKey: entity.primaryKeyColumns,
    cursorField: entity.cursorFields[0] ?? null,
    defaultSelected: resource.defaultSelected ?? true,
    dependsOn: entity.dependsOn,
    loadMode: entity.loadMode,
    sizeClass: entity.sizeClass,
    slicing: config.nested === undefined && asksForWindow(config) ? entity.slicing : { by: "none" },
    storageKind: "postgres",
    storageDescription: resource.storageDescription ?? `One row for each record of ${resource.displayName}.`,
    ...(entity.childOf === undefined ? {} : { childOf: entity.childOf }),
    configSchema: overridesOf(resource),
  };
}

/** The columns of a declared resource: no record is needed to know them. */
function shapeOf(config: ResourceConfig): RecordShape {
  return shapeRecords(config, [], null);
}

function checkParents(key: string, configs: readonly ResourceConfig[]): void {
  const names = new Set<string>();
  for (const config of configs) {
    const fault = (what: string): Error => new Error(`${key}: resource ${config.name}: ${what}.`);
    if (names.has(config.name)) throw fault("it is declared twice");
    // Parents stand before their children, so none goes round in a circle.
    if (config.parent !== undefined && !names.has(config.parent.resource))
      throw fault(`its parent ${config.parent.resource} is not declared before it`);
    if (configs.some(({ name, nested }) => name === config.parent?.resource && nested !== undefined))
      throw fault(`its parent ${config.parent?.resource} is read from inside another resource's records`);
    if (config.parent === undefined && config.nested === undefined && parentFieldsIn(config).length > 0)
      throw fault("a placeholder names a parent, and there is none");
    names.add(config.name);
  }
}
