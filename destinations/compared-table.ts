import { type ComparedColumn, FINGERPRINT } from "../core/digests.ts";
import { TerminalError } from "../core/errors.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import { widens } from "./column-types.ts";
import type { ComparedTable, ComparedTableRequest } from "./comparison.ts";
import { DELETED_AT_COLUMN, hasMarks, layoutOf, VALID_TO_COLUMN } from "./layout.ts";
import { findOwner } from "./ledger.ts";
import type { Session } from "./session.ts";
import { LEDGER_SCHEMA, type TableName } from "./sql.ts";
import { readShape, sameColumns, type TableShape } from "./table-shape.ts";

/** @throws TerminalError destination_schema_conflict, config_invalid */
export async function describeComparedTable(session: Session, request: ComparedTableRequest): Promise<ComparedTable> {
  const { schema, table, deploymentId, syncId, entityKey, keyColumns, cursorField, loadMode } = request;
  const shape = await readShape(session, request);
  const owner = await findOwner(session, request);
  const isOurs = owner?.deploymentId === deploymentId && owner.syncId === syncId && owner.entityKey === entityKey;
  if (shape === null || owner === null || !isOurs) throw conflict(request, "this sync has not loaded it");
  if (request.reloads && !sameColumns(shape.keyColumns, keyColumns)) {
    throw conflict(request, `its key is (${shape.keyColumns.join(", ")}), the source's now (${keyColumns.join(", ")})`);
  }
  const unfit = unfitColumns(request, shape);
  refuseDiscards(request, shape, unfit);
  const columns = commonColumns(request, shape).filter(({ name }) => !unfit.includes(name));
  const names = new Set(columns.map(({ name }) => name));
  const missing = [...keyColumns, ...(cursorField === null ? [] : [cursorField])].filter((name) => !names.has(name));
  if (missing.length > 0) throw conflict(request, `it has no column ${missing.join(", ")}, the key or cursor`);
  const marks = hasMarks(shape.columns, request.columns);
  const { rows } = await session.client.query<{ fingerprint: string }>(`select ${FINGERPRINT} as fingerprint`);
  return {
    target: {
      ...{ schema, table, leafSchema: LEDGER_SCHEMA, leafTable: owner.leafTable },
      ...{ columns: request.columns.filter(({ name }) => names.has(name)), keyColumns, cursorField },
      ...{ apply: "merge", overlap: "merge", swap: false, finish: null },
      ...{ marks, goneColumn: goneColumnOf(loadMode, marks) },
    },
    columns,
    fingerprint: rows[0]?.fingerprint ?? "",
  };
}

function goneColumnOf(loadMode: LoadMode, marks: boolean): string | null {
  if (layoutOf(loadMode) === "versions") return VALID_TO_COLUMN;
  return marks ? DELETED_AT_COLUMN : null;
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
  const isNew = ({ name }: { name: string }) => shape.columns.every((each) => each.name !== name);
  const costsRow = (name: string) =>
    schemaPolicy.types === "discard_row" || keyColumns.includes(name) || name === cursorField;
  const named = schemaPolicy.columns === "discard_row" ? columns.filter(isNew).map(({ name }) => name) : [];
  const inTheWay = [...named, ...unfit.filter((name) => reloads || costsRow(name))];
  if (inTheWay.length === 0) return;
  throw new TerminalError(
    "config_invalid",
    `${entityKey} cannot be compared${reloads ? " and repaired" : ""} while its schemaPolicy discards what it has in ${inTheWay.slice(0, 10).join(", ")}. Let the table evolve with a full_refresh first.`,
  );
}

function conflict({ schema, table }: TableName, what: string): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} cannot be compared with its source: ${what}. Run the sync first, with runMode full_refresh if it has run before.`,
  );
}
