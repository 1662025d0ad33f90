import { TerminalError } from "../../core/errors.ts";
import type { TargetColumn } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { findIdentityEnds, findPartitionIdentities } from "./attach-requirements.ts";
import { widens, widensInPlace } from "./column-types.ts";
import { refuseShownColumns } from "./dependent-views.ts";
import { refuseDependents } from "./dependents.ts";
import { partitionColumn } from "./generations.ts";
import { readTriggerStates, refusePartitionUsers } from "./partition-additions.ts";
import { planRemake } from "./remake.ts";
import type { TableShape } from "./table-shape.ts";

/** A widening that writes the table again locks readers out meanwhile; above this a full refresh beside it is better. */
const MAX_REWRITE_BYTES = 256 * 1024 * 1024;

/**
 * Statements that add the columns that the source has and the table does not, in one `alter table`, and widen those that do not hold
 * all that the source's type can. Columns that the source has dropped stay as they are.
 * @param growth.types `leave` where a generation with the source's types takes the place of the present one
 * @param growth.leaf its one partition: with it, the column that it is partitioned by grows as well
 * @param growth.remedy what helps where a type cannot follow
 * @throws TerminalError destination_type_mismatch, destination_schema_conflict
 */
export async function growTable(
  session: Session,
  table: TableName,
  growth: { columns: TargetColumn[]; shape: TableShape; types: "widen" | "leave"; leaf?: TableName; remedy?: string },
): Promise<string[]> {
  const {
    columns,
    shape,
    types,
    leaf,
    remedy = "Retry with runMode full_refresh to load it with the new type.",
  } = growth;
  const present = new Map(shape.columns.map(({ name, type }) => [name, type]));
  const added = columns.filter(({ name }) => !present.has(name));
  const changed = columns.flatMap(({ name, type }) => {
    const before = present.get(name) ?? type;
    const holds = types === "widen" && widens(type, before);
    return before === type || holds ? [] : [{ name, before, type }];
  });
  const widened = types === "widen" ? changed : [];
  await refuseOtherTypes(session, table, widened, remedy);
  const actions = [
    ...added.map(({ name, type }) => `add column ${quoteIdentifier(name)} ${type}`),
    ...widened.map(({ name, type }) => `alter column ${quoteIdentifier(name)} type ${type}`),
  ];
  if (leaf !== undefined && widened.some(({ name }) => name === shape.partitionedBy)) {
    return growPartitioned(session, table, { shape, leaf, actions });
  }
  await refuseShownColumns(
    session,
    table,
    changed.map(({ name }) => name).filter((name) => name !== shape.partitionedBy),
  );
  return [
    ...(actions.length === 0 ? [] : [`alter table ${quoteTable(table)} ${actions.join(", ")}`]),
    ...(await findPartitionIdentities(session, table)),
  ];
}

/** The partition grows by itself, and the table is made anew around it. */
async function growPartitioned(
  session: Session,
  table: TableName,
  { shape, leaf, actions }: { shape: TableShape; leaf: TableName; actions: string[] },
): Promise<string[]> {
  await refuseDependents(session, table, { why: madeAnewFor(shape.partitionedBy), keyChanges: false });
  await refusePartitionUsers(session, table, { leaf, why: "made anew" });
  // A key that is still to be made comes later.
  const keyColumns = shape.keyConstraint === null ? [] : shape.keyColumns;
  const partitionBy = partitionColumn(shape.keyColumns);
  const { before, make, after } = await planRemake(session, table, { shape, like: leaf, partitionBy, keyColumns });
  return [
    ...before,
    `alter table ${quoteTable(table)} detach partition ${quoteTable(leaf)}`,
    `alter table ${quoteTable(leaf)} ${[...actions, ...(await findIdentityEnds(session, table))].join(", ")}`,
    ...make,
    `alter table ${quoteTable(table)} attach partition ${quoteTable(leaf)} default`,
    ...after,
    ...(await readTriggerStates(session, leaf)),
  ];
}

/** For `refuseDependents`. */
export function madeAnewFor(column: string | null): string {
  return `the type of ${column} changes, which it is partitioned by`;
}

async function refuseOtherTypes(
  session: Session,
  table: TableName,
  changed: { name: string; before: string; type: string }[],
  remedy: string,
): Promise<void> {
  if (changed.length === 0) return;
  const small = (await tableBytes(session, table)) <= MAX_REWRITE_BYTES;
  for (const { name, before, type } of changed) {
    const grows = widensInPlace(before, type) || (small && widens(before, type));
    if (grows) continue;
    throw new TerminalError(
      "destination_type_mismatch",
      `${table.schema}.${table.table}.${name} is ${before}, the source's now ${type}.`,
      { fix: remedy },
    );
  }
}

async function tableBytes({ client }: Session, name: TableName): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select coalesce(sum(pg_table_size(relid)), 0) as bytes from pg_partition_tree(to_regclass($1))",
    [quoteTable(name)],
  );
  return Number(rows[0]?.bytes);
}
