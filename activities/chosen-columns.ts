import { type ColumnChoice, chooseColumns, columnChoicesOf } from "../core/column-choice.ts";
import type { EntitySchema, Source } from "../providers/provider.ts";

/**
 * The source, with the columns that the sync's `sourceConfig` chooses: nothing else is planned, so nothing else is read. Keys and cursors
 * stay as they are found, so that whoever uses one that is left out hears of it.
 */
export function withChosenColumns(source: Source, sourceConfig: Record<string, unknown>): Source {
  const choices = columnChoicesOf(sourceConfig);
  if (choices.size === 0) return source;
  return {
    ...source,
    discover: async (...request) => {
      const found = await source.discover(...request);
      return found.map((schema) => narrow(schema, choices.get(schema.entityKey)));
    },
  };
}

function narrow(schema: EntitySchema, choice: ColumnChoice | undefined): EntitySchema {
  if (choice === undefined || schema.failure !== undefined) return schema;
  const { columns, open = false } = schema;
  // Where a row was read is nothing that the source says of it.
  const always = columns.filter(({ provenance }) => provenance).map(({ name }) => name);
  const wanted = choice.columns === undefined ? choice : { ...choice, columns: [...choice.columns, ...always] };
  const chosen = chooseColumns(wanted, { columns: columns.map(({ name }) => name), open });
  return { ...schema, columns: columns.filter(({ name }) => !chosen.leftOut.includes(name)), chosen };
}
