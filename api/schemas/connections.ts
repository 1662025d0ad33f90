import { z } from "@hono/zod-openapi";
import { RUN_STATUSES } from "../../core/run-lifecycle.ts";
import { CONNECTION_STATUSES, LOAD_MODES, PROVIDERS, SIZE_CLASSES, SYNC_STATUSES } from "../../core/vocabulary.ts";
import { slicing } from "./catalog.ts";
import {
  givenRecord,
  instant,
  jsonObject,
  pageFields,
  pageOf,
  queryEnums,
  queryFlag,
  queryText,
  text,
  uuid,
} from "./primitives.ts";

const secret = () => text(1, 65_536);

export const createConnectionBody = z
  .strictObject({
    name: text(1, 255),
    provider: z.enum(PROVIDERS),
    config: givenRecord(z.unknown()).default({}).openapi({
      description: "As `connectionSchema` of the provider's catalog describes it, without its writeOnly fields.",
    }),
    secrets: givenRecord(secret())
      .default({})
      .openapi({ writeOnly: true, description: "The writeOnly fields of `connectionSchema`. Never shown again." }),
  })
  .openapi("CreateConnection");
export type CreateConnectionBody = z.output<typeof createConnectionBody>;

/** `config` is replaced whole; of `secrets`, those named change, and `null` removes one. */
export const updateConnectionBody = z
  .strictObject({
    name: text(1, 255).optional(),
    config: givenRecord(z.unknown()).optional(),
    secrets: givenRecord(secret().nullable()).optional().openapi({ writeOnly: true }),
  })
  .openapi("UpdateConnection");
export type UpdateConnectionBody = z.output<typeof updateConnectionBody>;

export const rotateSecretsBody = z
  .strictObject({
    secrets: givenRecord(secret())
      .check((ctx) => {
        if (Object.keys(ctx.value).length > 0) return;
        ctx.issues.push({ code: "too_small", origin: "record", input: ctx.value, inclusive: true, minimum: 1 });
      })
      // Without minProperties: schemathesis learns from our 422s that no key is allowed, and then finds no body at all.
      .openapi({ writeOnly: true, description: "Those that are to be replaced, at least one; the others stay." }),
  })
  .openapi("RotateSecrets");
export type RotateSecretsBody = z.output<typeof rotateSecretsBody>;

export const connectionCheck = z
  .strictObject({ name: z.string(), ok: z.boolean(), message: z.string(), fix: z.string() })
  .openapi("ConnectionCheck");

export const connectionSchema = z
  .strictObject({
    checks: z.array(connectionCheck),
    config: jsonObject(),
    createdAt: instant(),
    createdBy: z.string(),
    id: uuid(),
    lastCheckedAt: instant().nullable(),
    name: z.string(),
    provider: z.enum(PROVIDERS),
    secretKeys: z.array(z.string()).openapi({ description: "Names only." }),
    status: z.enum(CONNECTION_STATUSES),
    taskQueue: z.string(),
    updatedAt: instant(),
    updatedBy: z.string(),
  })
  .openapi("Connection");
export type ConnectionJson = z.output<typeof connectionSchema>;

export const connectionPage = z
  .strictObject({ ...pageFields, connections: z.array(connectionSchema) })
  .openapi("ConnectionPage");

export const listConnectionsQuery = z.object({
  q: queryText().openapi({ description: "Text in the name, whatever its case." }),
  provider: queryEnums(PROVIDERS),
  ...pageOf(50),
});

export const connectionIdParams = z.object({ connection_id: uuid() });

const discoveredEntity = z
  .strictObject({
    columns: z.array(
      z.strictObject({
        name: z.string(),
        nullable: z.boolean(),
        type: z.string().openapi({ description: "The Postgres type that the destination's column gets." }),
      }),
    ),
    cursorColumns: z.array(z.string()).openapi({ description: "All columns that `cursorField` may name." }),
    cursorFields: z
      .array(z.string())
      .openapi({ description: "Columns that serve well as cursor, best first. The first is the default." }),
    dependsOn: z.array(z.string()),
    description: z.string(),
    displayName: z.string(),
    entityKey: z.string(),
    estimatedRows: z.number().nullable(),
    loadMode: z.enum(LOAD_MODES),
    primaryKeyColumns: z.array(z.string()).openapi({ description: "Empty where the source knows no key." }),
    sizeClass: z.enum(SIZE_CLASSES),
    slicing,
  })
  .openapi("DiscoveredEntity");
export type DiscoveredEntityJson = z.output<typeof discoveredEntity>;

export const connectionCatalogPage = z
  .strictObject({ ...pageFields, entities: z.array(discoveredEntity) })
  .openapi("ConnectionCatalogPage");

export const connectionCatalogQuery = z.object({
  q: queryText().openapi({ description: "Text in the entity key, whatever its case." }),
  refresh: queryFlag().openapi({
    description: "Asks the source again, even if it was asked less than a minute ago. It takes scope `operate`.",
  }),
  ...pageOf(50),
});

const connectionUse = z
  .strictObject({
    id: uuid(),
    lastRun: z.strictObject({ createdAt: instant(), id: uuid(), status: z.enum(RUN_STATUSES) }).nullable(),
    name: z.string(),
    roles: z.array(z.enum(["source", "destination"])),
    runCount: z.int(),
    slug: z.string(),
    status: z.enum(SYNC_STATUSES),
  })
  .openapi("ConnectionUse");
export type ConnectionUseJson = z.output<typeof connectionUse>;

export const connectionUsagePage = z
  .strictObject({ ...pageFields, syncs: z.array(connectionUse) })
  .openapi("ConnectionUsagePage");

export const connectionUsageQuery = z.object(pageOf(50));
