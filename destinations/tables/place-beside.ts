import type { Session } from "../session.ts";
import { RUN_ID_COLUMN } from "../sql.ts";
import { findIdentityDefaults, findUserRules } from "./attach-requirements.ts";
import { refuseDependents, refuseReferences } from "./dependents.ts";
import { createBeside, nextTableName, partitionColumn } from "./generations.ts";
import { growTable, madeAnewFor } from "./grow-table.ts";
import { findLosses } from "./losses.ts";
import { refusePartitionUsers } from "./partition-additions.ts";
import { lateKeyFor, loadedTable, markOf, presentLeaf, type RowsTable, withLateKey } from "./place-rows.ts";
import type { Placement, Present, Wanted } from "./placement.ts";
import { sameColumns, type TableShape } from "./table-shape.ts";
import { findUserColumns, keepsKey } from "./user-columns.ts";

/**
 * The rows that are there give way as a whole to those of the plan, which are loaded into a generation beside them. What cannot follow is
 * refused, and what the users' table would lose is told, before anything is loaded.
 * @throws TerminalError destination_schema_conflict, destination_type_mismatch
 */
export async function placeBeside(
  session: Session,
  wanted: Wanted,
  found: Present,
  { columns, keeps, indexes }: RowsTable,
): Promise<Placement> {
  const { keyColumns, keyComesLast } = wanted;
  const { shape } = await withLateKey(session, wanted, found);
  const present = presentLeaf(found);
  const grown = await growTable(session, wanted, { columns, shape, types: "leave", leaf: present });
  const known = new Set(shape.columns.map(({ name }) => name));
  const grownShape = { ...found.shape, columns: [...shape.columns, ...columns.filter(({ name }) => !known.has(name))] };
  await refuseRemake(session, wanted, shape);
  await refuseReferences(session, wanted, { keyChanges: !sameColumns(shape.keyColumns, keyColumns) });
  await refusePartitionUsers(session, wanted, { leaf: present, why: "loaded anew" });
  const leaf = await nextTableName(session, "g", wanted, found.next);
  // Values of users' columns follow their rows, which are found again by their key.
  const carried = !found.otherSource && keepsKey(found.shape, wanted);
  const { losses, ofUsers } = await findLosses(session, wanted, { shape, leafTable: present.table, carried });
  const userColumns = carried ? await findUserColumns(session, wanted, { shape: found.shape, columns }) : [];
  const adjustments = [
    ...(await findIdentityDefaults(session, wanted)),
    ...(await findUserRules(session, wanted, userColumns)),
  ];
  return {
    target: {
      ...{ ...loadedTable(wanted, leaf), ...markOf(wanted, grownShape.columns) },
      ...{ kind: "beside", ...lateKeyFor(wanted, keeps) },
      ...(found.otherSource ? { replacesOtherSource: true } : {}),
      ...(ofUsers.length === 0 ? {} : { confirmedLosses: ofUsers }),
    },
    statements: [
      ...[...grown, ...indexes],
      ...createBeside(wanted, leaf, grownShape, { columns, keyColumns, keyComesLast, adjustments }),
    ],
    ...{ owner: null, losses },
  };
}

/** A swap makes the table anew where the column changes that it is partitioned by: what cannot follow is named before anything is loaded. */
async function refuseRemake(session: Session, wanted: Wanted, shape: TableShape): Promise<void> {
  const { columns, keyColumns } = wanted;
  const next = partitionColumn(keyColumns);
  const typeIn = (of: TableShape["columns"]) => of.find(({ name }) => name === next)?.type;
  const moves = next !== shape.partitionedBy;
  if (!moves && (next === RUN_ID_COLUMN || typeIn(columns) === typeIn(shape.columns))) return;
  const why = moves ? "its key begins with another column" : madeAnewFor(next);
  await refuseDependents(session, wanted, { why, keyChanges: !sameColumns(shape.keyColumns, keyColumns) });
}
