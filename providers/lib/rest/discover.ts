import { isOfEntity, type ProviderError, TerminalError, TransientError } from "../../../core/errors.ts";
import { mapSideBySide } from "../../../core/side-by-side.ts";
import type { EntitySchema, KnownNames, KnownSpecs } from "../../provider.ts";
import { describeEntity } from "./entity-description.ts";
import { whyUnprovable } from "./provable.ts";
import type { Resource, Resources } from "./resources.ts";
import type { EarlierSpecs, FoundShape, Shapes } from "./shapes.ts";

/** A check has seconds, and each resource costs some requests. */
const AT_ONCE = 4;

export async function discoverEntities(
  source: { resources: Resources; shapes: Shapes },
  entityKeys: string[] | null,
  known: KnownSpecs,
  named: KnownNames,
): Promise<EntitySchema[]> {
  const declared = new Set(source.resources.names);
  const names = entityKeys === null ? [...declared] : entityKeys.filter((key) => declared.has(key));
  return mapSideBySide(names, AT_ONCE, (name) =>
    discoverEntity(source, name, { known: known.get(name), named: named.get(name) }),
  );
}

async function discoverEntity(
  { resources, shapes }: { resources: Resources; shapes: Shapes },
  name: string,
  earlier: EarlierSpecs,
): Promise<EntitySchema> {
  const resource = resources.get(name);
  try {
    const { shape, names, isNew } = await findShape(shapes, resource, earlier);
    if (isNew && resource.declared === undefined) await shapes.checkNew(resource, shape);
    const unprovable = whyUnprovable(resource, resources);
    return {
      ...describeEntity(resource, shape),
      columnNames: Object.fromEntries(names),
      ...(unprovable === undefined ? {} : { unprovable }),
    };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    // The others can be read.
    const entity = describeEntity(resource, { fields: [], cursor: null, unmapped: false });
    return { ...entity, description: `Cannot be read now: ${failure.message}`, failure };
  }
}

/** An answer without records may be a fault that passes, so it is asked for once more. */
async function findShape(shapes: Shapes, resource: Resource, earlier: EarlierSpecs): Promise<FoundShape> {
  try {
    return await shapes.find(resource, earlier);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return await shapes.find(resource, earlier);
  }
}

/** What is wrong with this resource alone; null for what stands in the way of all. */
function failureOf(error: unknown): ProviderError | null {
  if (isUnreadable(error)) return new TerminalError(error.reasonCode, error.what, { fix: error.fix, cause: error });
  return isOfEntity(error) ? error : null;
}

function isUnreadable(error: unknown): error is TransientError {
  return error instanceof TransientError && error.reasonCode === "source_response_invalid";
}
