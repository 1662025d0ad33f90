import { TerminalError } from "../../core/errors.ts";
import type { EntityReadSpec, EntitySchema } from "../provider.ts";
import { columnOf, columnsOf, type RecordShape } from "./record-shape.ts";
import type { Resource, Resources } from "./resources.ts";
import type { Shapes } from "./shapes.ts";

/** A check has seconds, and each resource costs some requests. */
const AT_ONCE = 4;

export async function discoverEntities(
  source: { resources: Resources; shapes: Shapes },
  entityKeys: string[] | null,
  known: ReadonlyMap<string, EntityReadSpec>,
): Promise<EntitySchema[]> {
  const declared = new Set(source.resources.names);
  const names = entityKeys === null ? [...declared] : entityKeys.filter((key) => declared.has(key));
  const left = names.values();
  const found = new Map<string, EntitySchema>();
  const work = async (): Promise<void> => {
    for (const name of left) found.set(name, await discoverEntity(source, name, known.get(name)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return names.flatMap((name) => found.get(name) ?? []);
}

async function discoverEntity(
  { resources, shapes }: { resources: Resources; shapes: Shapes },
  name: string,
  known: EntityReadSpec | undefined,
): Promise<EntitySchema> {
  const resource = resources.get(name);
  try {
    const { shape } = await shapes.find(resource, known);
    return describeEntity(resource, shape);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    // The others can be read.
    const entity = describeEntity(resource, { fields: [], unmapped: false });
    return { ...entity, description: `Cannot be read now: ${error.message}`, failure: error };
  }
}

function describeEntity(resource: Resource, shape: RecordShape): EntitySchema {
  const { name, primaryKey, incremental, parent } = resource;
  const columnsAt = (paths: string[]): string[] => paths.flatMap((path) => columnOf(shape, path) ?? []);
  const cursorFields = columnsAt(incremental ? [incremental.cursorField] : []);
  const [column] = cursorFields;
  return {
    entityKey: name,
    displayName: resource.displayName ?? name,
    description: resource.description ?? `${resource.method} ${resource.path}`,
    columns: columnsOf(shape, primaryKey),
    primaryKeyColumns: columnsAt(primaryKey),
    cursorFields,
    loadMode: resource.loadMode ?? (primaryKey.length > 0 ? "upsert" : "replace"),
    dependsOn: parent ? [parent.resource] : [],
    slicing:
      column === undefined
        ? { by: "none" }
        : { by: "time", column, ...(incremental?.windowStep ? { defaultWindow: incremental.windowStep } : {}) },
    sizeClass: resource.sizeClass,
    estimatedRows: null,
    inferred: shape.fields.some((field) => field.inferred),
  };
}
