import { z } from "@hono/zod-openapi";
import { givenRecord, instant, pageFields, pageOf, queryText, text, uuid } from "./primitives.ts";

const version = (min: number) => z.int().min(min).max(2_147_483_647);

const change = z
  .strictObject({
    cursor: text(1, 8192).nullable().optional().openapi({
      description:
        "In the source's own writing; the next incremental run starts there. null: it reads everything and merges it; nothing is cleared.",
    }),
    version: version(1).optional().openapi({ description: "Back to what this version was." }),
    expectedVersion: version(0).optional().openapi({ description: "409 unless this is the present version." }),
  })
  .refine(
    (given) => (given.cursor === undefined) !== (given.version === undefined),
    "Exactly one of cursor and version should be given",
  )
  .openapi("SyncStateChange");

/** All or nothing; each change makes a version of its own. */
export const setSyncStateBody = z
  .strictObject({ entities: givenRecord(change).openapi({ description: "By entityKey." }) })
  .openapi("SetSyncState");
export type SetSyncStateBody = z.output<typeof setSyncStateBody>;

const cursorFields = {
  createdBy: z.string().nullable().openapi({ description: "Who set it; null where a run moved it." }),
  cursor: z.string().nullable().openapi({ description: "null: the next incremental run reads everything." }),
  entityKey: z.string(),
  runId: uuid().nullable().openapi({ description: "Of the run that moved it." }),
};

export const entityState = z
  .strictObject({
    ...cursorFields,
    updatedAt: instant().nullable(),
    version: z.int().openapi({ description: "0 where there is no state yet." }),
  })
  .openapi("EntityState");
export type EntityStateJson = z.output<typeof entityState>;

export const entityStateVersion = z
  .strictObject({ ...cursorFields, createdAt: instant(), version: z.int() })
  .openapi("EntityStateVersion");
export type EntityStateVersionJson = z.output<typeof entityStateVersion>;

export const syncState = z.strictObject({ entities: z.array(entityState) }).openapi("SyncState");
export const syncStatePage = z.strictObject({ ...pageFields, entities: z.array(entityState) }).openapi("SyncStatePage");
export const stateVersionPage = z
  .strictObject({ ...pageFields, versions: z.array(entityStateVersion) })
  .openapi("EntityStateVersionPage");

export const syncStateQuery = z.object(pageOf(100));
export const stateVersionsQuery = z.object({
  entityKey: queryText().openapi({ description: "Only of this entity." }),
  ...pageOf(25),
});
