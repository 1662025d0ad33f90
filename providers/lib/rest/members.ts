import { TerminalError } from "../../../core/errors.ts";
import type { EntityReadSpec, PlanRequest } from "../../provider.ts";
import { parentColumnPath } from "./column-names.ts";
import { type Omission, omissionOf } from "./omit.ts";
import type { WantedChild, WantedDeletes } from "./page-records.ts";
import { readSpecSchema } from "./read-spec.ts";
import { columnOf, columnsOf, type RecordShape } from "./record-shape.ts";
import type { NestedConfig } from "./resource.ts";
import type { Resource, Resources } from "./resources.ts";
import { type FoundShape, onlyColumns, type Shapes } from "./shapes.ts";

/** A child as one plan reads it. */
export interface PlannedMember {
  resource: Resource;
  found: FoundShape;
  omission: Omission | null;
  keyColumns: string[];
}

/** @throws TerminalError config_invalid for a child without what tells whose rows are whose */
export async function planMembers(
  { resources, shapes }: { resources: Resources; shapes: Shapes },
  lead: Resource,
  { members = [] }: Pick<PlanRequest, "members">,
): Promise<PlannedMember[]> {
  const planned: PlannedMember[] = [];
  for (const { entityKey, columns, keyColumns } of members) {
    const resource = resources.get(entityKey);
    const { nested } = resource;
    if (nested?.resource !== lead.name) throw new Error(`${entityKey} does not lie inside ${lead.name}.`);
    const whole = await shapes.find(resource);
    const found = onlyColumns(whole, columns);
    const lost = setColumnsOf(nested, whole.shape).find((name) => !namesOf(found.shape).includes(name));
    if (lost !== undefined) {
      throw new TerminalError(
        "config_invalid",
        `${lead.provider}: ${entityKey} is read without ${lost}, which tells whose rows are whose.`,
        { fix: "Have sourceConfig and schemaPolicy.columns leave this column in." },
      );
    }
    planned.push({ resource, found, omission: omissionOf(resource.choice, whole.shape), keyColumns });
  }
  return planned;
}

export function specOfMember({ resource, found, omission, keyColumns }: PlannedMember, now: number): EntityReadSpec {
  const { shape, rowBytes } = found;
  return {
    entityKey: resource.name,
    columns: columnsOf(shape, resource.primaryKey),
    keyColumns,
    cursorField: shape.cursor?.column ?? null,
    estimatedRowBytes: rowBytes,
    source: { shape, now, ...(omission === null ? {} : { omission }) },
  };
}

/** What is wanted of a child by its plan. */
export function wantedChild(resource: Resource, { source, keyColumns }: EntityReadSpec): WantedChild {
  const { shape, omission = null } = readSpecSchema.parse(source);
  const { nested, deleted } = resource;
  if (nested === undefined) throw new Error(`${resource.name} lies inside no other records.`);
  return {
    ...{ shape, keyColumns, omission, inherited: nested.fields, nested, setColumns: setColumnsOf(nested, shape) },
    ...(deleted === undefined ? {} : { deleted: wantedDeletes(deleted, shape, keyColumns) }),
  };
}

export function wantedDeletes(
  sign: WantedDeletes["sign"],
  { cursor }: RecordShape,
  keyColumns: readonly string[],
): WantedDeletes {
  if (keyColumns.length === 0) return { sign, columns: [] };
  const isInKey = cursor === null || keyColumns.includes(cursor.column);
  return { sign, columns: isInKey ? [...keyColumns] : [...keyColumns, cursor.column] };
}

/** The child's columns that hold the parent's key, then its cursor. */
function setColumnsOf({ key, cursor }: NestedConfig, shape: RecordShape): string[] {
  const ofKey = key.map((path) => columnOf(shape, parentColumnPath(path)) ?? "");
  return cursor === null || shape.cursor === null ? ofKey : [...ofKey, shape.cursor.column];
}

function namesOf(shape: RecordShape): string[] {
  return columnsOf(shape, []).map(({ name }) => name);
}
