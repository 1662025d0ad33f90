import type { LoadableCopy, LoadableRows } from "../destination.ts";
import type { LoadTarget } from "../load-target.ts";
import type { Session } from "../session.ts";
import { findLossyValues } from "./lossy-values.ts";
import type { Faults, Portion } from "./sound-rows.ts";

/** The schema policy looks at each row: it has to come as one, not undecoded. */
export function needsRows({ discards }: Pick<LoadTarget, "discards">): boolean {
  return discards !== undefined && discards.rejectRowsWith.length + discards.lossyColumns.length > 0;
}

/** The batch with the columns that are loaded of it. */
export function takenOf<Batch extends LoadableRows | LoadableCopy>(target: LoadTarget, batch: Batch): Batch {
  return needsRows(target) ? { ...batch, columns: takenColumns(target, batch.columns) } : batch;
}

function takenColumns({ columns }: LoadTarget, given: string[]): string[] {
  return columns.map(({ name }) => name).filter((name) => given.includes(name));
}

/**
 * What the schema policy leaves of rows.
 * @param faults gets the rows that it rejects
 * @returns the rows without what they lose, and of those that are loaded what each has lost
 */
export async function discardFrom(
  session: Session,
  target: LoadTarget,
  given: Portion,
  faults: Faults,
): Promise<{ taken: Portion; lost: Faults }> {
  const lost: Faults = new Map();
  const { discards } = target;
  if (discards === undefined || !needsRows(target)) return { taken: given, lost };
  const rows = Array.from({ length: given.rows }, (_, index) => (faults.has(index) ? [] : [...given.cellsOf(index)]));
  for (const name of discards.rejectRowsWith) {
    const position = given.columns.indexOf(name);
    for (const [index, row] of rows.entries()) {
      if ((row[position] ?? null) !== null) addFault(faults, index, name, "a value in a column that the table has not");
    }
  }
  const needed = [...target.keyColumns, target.cursorField];
  for (const name of discards.lossyColumns) {
    const position = given.columns.indexOf(name);
    const type = target.columns.find((column) => column.name === name)?.type;
    const values = rows.map((row) => row[position] ?? null);
    const costsRow = discards.lossyValueCosts === "row" || needed.includes(name);
    for (const index of await findLossyValues(session, target, name, values)) {
      const reason = `a value that does not fit ${type}, the type of its column`;
      addFault(costsRow ? faults : lost, index, name, costsRow ? reason : `${reason}; the row is loaded without it`);
      if (!costsRow) rows[index]?.splice(position, 1, null);
    }
  }
  return { taken: portionOf(target, given, rows), lost };
}

/** Of several in a row, the first is told with the names of the others. */
function addFault(faults: Faults, index: number, column: string, reason: string): void {
  const first = faults.get(index);
  faults.set(index, first === undefined ? { column, reason } : { ...first, reason: `${first.reason}; also ${column}` });
}

function portionOf(target: LoadTarget, given: Portion, rows: (string | null)[][]): Portion {
  const names = takenColumns(target, given.columns);
  const positions = names.map((name) => given.columns.indexOf(name));
  const cellsOf = (index: number) => positions.map((position) => rows[index]?.[position] ?? null);
  return {
    columns: names,
    rows: given.rows,
    pick: (indexes) => ({ kind: "rows", columns: names, rows: indexes.map(cellsOf), checkpoint: null, final: false }),
    cellsOf,
  };
}
