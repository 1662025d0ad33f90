import { z } from "@hono/zod-openapi";
import { AVAILABLE, LOAD_MODES, TABLE_NAMING_VERSIONS } from "../../core/vocabulary.ts";
import { availableEnum, distinct, identifier, instant, text, uuid } from "./primitives.ts";

const tableName = () =>
  identifier().refine((name) => !/^_sluice/i.test(name), "Names that begin with _sluice are Sluice's own");

export const bindingInput = z
  .strictObject({
    entityKey: text(1, 512),
    tableName: tableName().optional().openapi({ description: "Overrides the name that Sluice would give." }),
    loadMode: availableEnum(LOAD_MODES, AVAILABLE.loadMode).optional(),
    primaryKeyColumns: distinct(identifier(), 32).optional(),
    cursorField: identifier().nullable().optional(),
    tableNamingVersion: z.enum(TABLE_NAMING_VERSIONS).optional(),
  })
  .openapi("TableBindingInput");
export type BindingInput = z.output<typeof bindingInput>;

export const tableBinding = z
  .strictObject({
    createdAt: instant(),
    cursorField: z.string().nullable(),
    entityKey: z.string(),
    id: uuid(),
    loadMode: z.enum(LOAD_MODES),
    logicalTableName: z.string(),
    physicalTableName: z.string().openapi({ description: "The table in the destination; frozen at the first load." }),
    primaryKeyColumns: z.array(z.string()),
    sourceInstanceKey: z.string(),
    tableName: z.string().nullable(),
    tableNamingVersion: z.enum(TABLE_NAMING_VERSIONS),
    updatedAt: instant(),
  })
  .openapi("TableBinding");
