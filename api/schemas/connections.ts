import { z } from "@hono/zod-openapi";
import { CONNECTION_STATUSES, PROVIDERS } from "../../core/vocabulary.ts";
import { instant, jsonObject, pageFields, pageOf, queryEnums, queryText, text, uuid } from "./primitives.ts";

const secret = () => text(1, 65_536);

export const createConnectionBody = z
  .strictObject({
    name: text(1, 255),
    provider: z.enum(PROVIDERS),
    config: jsonObject().default({}).openapi({
      description: "As `connectionSchema` of the provider's catalog describes it, without its writeOnly fields.",
    }),
    secrets: z
      .record(z.string(), secret())
      .default({})
      .openapi({ writeOnly: true, description: "The writeOnly fields of `connectionSchema`. Never shown again." }),
  })
  .openapi("CreateConnection");
export type CreateConnectionBody = z.output<typeof createConnectionBody>;

/** `config` is replaced whole; of `secrets`, those named change, and `null` removes one. */
export const updateConnectionBody = z
  .strictObject({
    name: text(1, 255).optional(),
    config: jsonObject().optional(),
    secrets: z.record(z.string(), secret().nullable()).optional().openapi({ writeOnly: true }),
  })
  .openapi("UpdateConnection");
export type UpdateConnectionBody = z.output<typeof updateConnectionBody>;

export const connectionSchema = z
  .strictObject({
    checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), message: z.string(), fix: z.string() })),
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
