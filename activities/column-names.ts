import { TransientError } from "../core/errors.ts";
import { type BindingRow, readColumnNames, recordColumnNames } from "../db/bindings.ts";
import { readLatestSpecs } from "../db/plans.ts";
import type { EntityReadSpec, EntitySchema, NamedColumns } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";

/** What was ever settled about the columns of a sync's entities. */
export async function readNamedColumns(
  { db }: Pick<ActivityDeps, "db">,
  syncId: string,
): Promise<Map<string, NamedColumns>> {
  const names = await readColumnNames(db, syncId);
  const specs = await readLatestSpecs<EntityReadSpec>(db, { syncId, within: null });
  const entityKeys = new Set([...names.keys(), ...specs.keys()]);
  return new Map(
    [...entityKeys].map((entityKey) => [entityKey, { spec: specs.get(entityKey), names: names.get(entityKey) ?? {} }]),
  );
}

/**
 * Before the table has the columns, and before any row goes into them: from then on each name is that of one thing.
 * @throws TransientError where another plan has given names meanwhile
 */
export async function holdColumnNames(
  { db }: Pick<ActivityDeps, "db">,
  binding: BindingRow,
  { entityKey, columnNames }: EntitySchema,
): Promise<void> {
  if (columnNames === undefined || (await recordColumnNames(db, binding.id, columnNames))) return;
  throw new TransientError(
    "internal_error",
    `Another plan has named columns of ${entityKey} meanwhile. They are looked up again.`,
  );
}
