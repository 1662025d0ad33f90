import { type ComparedColumn, FINGERPRINT } from "../../core/digests.ts";
import { TerminalError } from "../../core/errors.ts";
import { DELETED_AT_COLUMN, VALID_TO_COLUMN } from "../../core/own-columns.ts";
import { findOwner, type TableOwner } from "../ledger/ledger.ts";
import type { TargetColumn } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, type TableName } from "../sql.ts";
import { widens } from "../tables/column-types.ts";
import { hasDeletedMark as findDeletedMark, type Layout } from "../tables/layout.ts";
import { findMisplacement, TableChangedError } from "../tables/table-changes.ts";
import { readShape, sameColumns, type TableShape } from "../tables/table-shape.ts";
import type { ComparedTable, ComparedTableRequest } from "./comparison.ts";

/** @throws TerminalError destination_schema_conflict, config_invalid */
export async function describeComparedTable(session: Session, request: ComparedTableRequest): Promise<ComparedTable> {
  const { schema, table, deploymentId, syncId, entityKey, keyColumns, cursorField, loadMode } = request;
  const { layout } = MODES[loadMode];
  const shape = await readShape(session, request);
  const owner = await findOwner(session, request);
  const isOurs = owner?.deploymentId === deploymentId && owner.syncId === syncId && owner.entityKey === entityKey;
  if (isOurs && layout !== "snapshots") await refuseMisplaced(session, request, { shape, owner });
  if (shape === null || owner === null || !isOurs)
    throw conflict(request, "this sync has not loaded it", "Run the sync with runMode incremental first.");
  if (request.reloads && !sameColumns(shape.keyColumns, keyColumns)) {
    throw conflict(request, `its key is (${shape.keyColumns.join(", ")}), the source's now (${keyColumns.join(", ")})`);
  }
  const unfit = unfitColumns(request, shape);
  refuseDiscards(request, shape, unfit);
  const columns = commonColumns(request, shape).filter(({ name }) => !unfit.includes(name));
  const names = new Set(columns.map(({ name }) => name));
  const missing = [...keyColumns, ...(cursorField === null ? [] : [cursorField])].filter((name) => !names.has(name));
  if (missing.length > 0) throw conflict(request, `it has no column ${missing.join(", ")}, the key or cursor`);
  const hasDeletedMark = findDeletedMark(shape.columns, request.columns);
  const { rows } = await session.client.query<{ fingerprint: string }>(`select ${FINGERPRINT} as fingerprint`);
  return {
    target: {
      ...{ schema, table, leafSchema: LEDGER_SCHEMA, leafTable: owner.leafTable },
      ...{ columns: request.columns.filter(({ name }) => names.has(name)), keyColumns, cursorField },
      ...(request.claimedKey ? { claimedKey: true } : {}),
      ...{ hasDeletedMark, goneColumn: goneColumnOf(layout, hasDeletedMark) },
    },
    columns,
    fingerprint: rows[0]?.fingerprint ?? "",
  };
}

/** @throws TableChangedError where the rows of the table are elsewhere: none of them would be found */
async function refuseMisplaced(
  session: Session,
  request: ComparedTableRequest,
  { shape, owner: { leafTable } }: { shape: TableShape | null; owner: TableOwner },
): Promise<void> {
  const misplaced = await findMisplacement(session, request, { leafTable, isThere: shape !== null });
  if (misplaced === null) return;
  const { change } = misplaced;
  const what = `${request.schema}.${request.table} cannot be compared with its source. ${change}`;
  throw new TableChangedError("destination_schema_conflict", what, {
    fix: "Undo that, or load the table again with runMode full_refresh.",
    changes: [change],
  });
}

function goneColumnOf(layout: Layout, hasDeletedMark: boolean): string | null {
  if (layout === "versions") return VALID_TO_COLUMN;
  return hasDeletedMark ? DELETED_AT_COLUMN : null;
}

function commonColumns({ columns }: ComparedTableRequest, shape: TableShape): ComparedColumn[] {
  const types = new Map(shape.columns.map(({ name, type }) => [name, type]));
  return columns.flatMap(({ name, type: given }) => {
    const type = types.get(name);
    if (type === undefined) return [];
    return { name, type, cast: type !== given && widens(given, type) ? type : null };
  });
}

/** Columns whose values the schema policy may have discarded. */
function unfitColumns({ columns, schemaPolicy }: ComparedTableRequest, shape: TableShape): string[] {
  if (schemaPolicy.types === "evolve" || schemaPolicy.types === "freeze") return [];
  const types = new Map(shape.columns.map(({ name, type }) => [name, type]));
  return columns.filter(({ name, type }) => !widens(type, types.get(name) ?? type)).map(({ name }) => name);
}

/** A column that the table does not take is not compared; a row that it does not take would be missed in every window. */
function refuseDiscards(request: ComparedTableRequest, shape: TableShape, unfit: string[]): void {
  const { schemaPolicy, keyColumns, cursorField, columns, entityKey, reloads } = request;
  const isNew = ({ name, derived }: TargetColumn) => !derived && shape.columns.every((each) => each.name !== name);
  const costsRow = (name: string) =>
    schemaPolicy.types === "discard_row" || keyColumns.includes(name) || name === cursorField;
  const named = schemaPolicy.columns === "discard_row" ? columns.filter(isNew).map(({ name }) => name) : [];
  const inTheWay = [...named, ...unfit.filter((name) => reloads || costsRow(name))];
  if (inTheWay.length === 0) return;
  throw new TerminalError(
    "config_invalid",
    `${entityKey} cannot be compared${reloads ? " and repaired" : ""} while its schemaPolicy discards what it has in ${inTheWay.slice(0, 10).join(", ")}.`,
    { fix: "Set schemaPolicy to evolve and run the sync with runMode full_refresh." },
  );
}

function conflict({ schema, table }: TableName, what: string, fix = FULL_REFRESH): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} cannot be compared with its source: ${what}.`,
    { fix },
  );
}

const FULL_REFRESH = "Run the sync with runMode full_refresh first.";
