import { z } from "@hono/zod-openapi";
import { LOAD_MODES, PROVIDERS, SIZE_CLASSES, SLICING_KINDS, STORAGE_KINDS } from "../../core/vocabulary.ts";
import { jsonObject } from "./primitives.ts";

export const slicing = z.strictObject({
  by: z.enum(SLICING_KINDS),
  column: z.string().optional(),
  defaultWindow: z.string().optional(),
});

const catalogColumn = z
  .strictObject({
    description: z.string().nullable(),
    name: z.string(),
    nullable: z.boolean(),
    path: z
      .string()
      .nullable()
      .openapi({ description: "Where a record of the source has it; `$` is the whole record." }),
    type: z.string().openapi({ description: "Postgres type." }),
  })
  .openapi("CatalogColumn");

const catalogResource = z
  .strictObject({
    childOf: z.string().nullable().openapi({
      description: "The entityKey of the parent whose answers feed it: both are read together. Null without one.",
    }),
    columns: z
      .array(catalogColumn)
      .nullable()
      .openapi({ description: "Columns of its table; null where only discovery finds them." }),
    configSchema: jsonObject().openapi({ description: "JSON Schema of `sourceConfig.resources[entityKey]`." }),
    cursorField: z.string().nullable(),
    defaultSelected: z.boolean(),
    dependsOn: z.array(z.string()),
    description: z.string(),
    displayName: z.string(),
    entityKey: z.string(),
    loadMode: z.enum(LOAD_MODES),
    primaryKey: z.array(z.string()).nullable().openapi({ description: "Null where only discovery finds it." }),
    sizeClass: z.enum(SIZE_CLASSES).openapi({
      description:
        "Rows of a run: xs under 10 thousand, s under 100 thousand, m under a million, l under 20 million, xl more.",
    }),
    slicing,
    storageDescription: z.string(),
    storageKind: z.enum(STORAGE_KINDS),
  })
  .openapi("CatalogResource");

export const catalogSchema = z
  .strictObject({
    availableResources: z.array(z.string()),
    configSchema: jsonObject().openapi({ description: "JSON Schema (2020-12) of a sync's `sourceConfig`." }),
    connectionSchema: jsonObject().openapi({
      description:
        "JSON Schema (2020-12) of a connection; its writeOnly fields go into `secrets`, the others into `config`.",
    }),
    defaultResources: z.array(z.string()),
    defaults: jsonObject().openapi({ description: "Defaults of `sourceConfig`." }),
    displayName: z.string(),
    dynamicResources: z
      .boolean()
      .openapi({ description: "Resources are found by discovery: the list does not hold all." }),
    name: z.string(),
    provider: z.enum(PROVIDERS),
    resources: z.array(catalogResource),
  })
  .openapi("ProviderCatalog");
export type CatalogJson = z.output<typeof catalogSchema>;

export const providerParams = z.object({
  provider: z.enum(PROVIDERS).openapi({ description: "Supported external system providers." }),
});
