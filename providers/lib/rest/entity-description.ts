import type { EntitySchema } from "../../provider.ts";
import { columnOf, columnsOf, hasInstantColumn, type RecordShape } from "./record-shape.ts";
import type { ResourceConfig } from "./resource.ts";

/** What its declaration and the shape of its records say of an entity. */
export function describeEntity(resource: ResourceConfig, shape: RecordShape): EntitySchema {
  const { name, primaryKey, incremental, parent, nested } = resource;
  const columnsAt = (paths: string[]): string[] => paths.flatMap((path) => columnOf(shape, path) ?? []);
  const column = shape.cursor?.column;
  // People know the cursor by its own column.
  const own = incremental && hasInstantColumn(shape) ? columnsAt([incremental.cursorField]) : [];
  return {
    entityKey: name,
    displayName: resource.displayName ?? name,
    description: resource.description ?? `${resource.method} ${resource.path}`,
    columns: columnsOf(shape, primaryKey),
    primaryKeyColumns: columnsAt(primaryKey),
    cursorFields: column === undefined ? [] : [column, ...own],
    cursorColumns: column === undefined ? [] : [column, ...own],
    ...(column === undefined ? {} : { cursorAliases: new Map(own.map((name) => [name, column])) }),
    loadMode: resource.loadMode ?? (primaryKey.length > 0 ? "upsert" : "replace"),
    dependsOn: parent ? [parent.resource] : [],
    slicing:
      column === undefined || nested !== undefined
        ? { by: "none" }
        : { by: "time", column, ...(incremental?.windowStep ? { defaultWindow: incremental.windowStep } : {}) },
    sizeClass: resource.sizeClass,
    estimatedRows: null,
    inferred: shape.fields.some((field) => field.inferred),
    open: resource.additionalFields !== "ignore",
    ...(nested === undefined ? {} : { childOf: nested.resource }),
  };
}
