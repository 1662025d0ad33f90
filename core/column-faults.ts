import { excludeOption } from "./column-choice.ts";
import { fitIdentifier } from "./naming.ts";
import { MODE_COLUMNS } from "./own-columns.ts";
import type { LoadMode } from "./vocabulary.ts";

/** Every table of Postgres has these. */
const SYSTEM_COLUMNS = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/** Of Postgres; columns that were dropped count. */
const MOST_COLUMNS = 1600;

/** A number that fits all that Sluice itself adds to a table. */
const OWN_COLUMNS = 8;

/** Of a primary key, as Postgres is compiled. */
const MOST_KEY_COLUMNS = 32;

export interface ColumnFault {
  /** A clause. */
  what: string;
  /** Whole sentences. */
  fix: string;
  /** The column that is at fault; null where it is none in particular. */
  column: string | null;
}

/**
 * Why the columns that a sync reads cannot be those of its table, whatever is in the table; null when they can. Activation and every run
 * ask it, so neither lets through what the other refuses.
 */
export function findColumnFault(
  entityKey: string,
  columns: { names: readonly string[]; loadMode: LoadMode; keyColumns: readonly string[] },
): ColumnFault | null {
  return findNameFault(entityKey, columns) ?? findNumberFault(entityKey, columns);
}

type Read = Parameters<typeof findColumnFault>[1];

function findNameFault(entityKey: string, { names, loadMode }: Read): ColumnFault | null {
  const faults: [what: (name: string) => string, holds: (name: string, index: number) => boolean][] = [
    [(name) => `Sluice keeps the column name ${name} for itself`, (name) => name.startsWith("_sluice_")],
    [(name) => `Postgres keeps the column name ${name} for itself`, (name) => SYSTEM_COLUMNS.includes(name)],
    [
      (name) => `load mode ${loadMode} adds a column ${name} of its own`,
      (name) => MODE_COLUMNS[loadMode]?.includes(name) ?? false,
    ],
    [(name) => `two of its columns are called ${name}`, (name, index) => names.indexOf(name) !== index],
    [
      (name) => `the column name ${name} is longer than the 63 bytes that Postgres keeps of a name`,
      (name) => fitIdentifier(name) !== name,
    ],
  ];
  for (const [what, holds] of faults) {
    const column = names.find(holds);
    if (column === undefined) continue;
    const fix = `Rename the column at the source, or leave it out with ${excludeOption(entityKey)}.`;
    return { what: what(column), fix, column };
  }
  return null;
}

function findNumberFault(entityKey: string, { names, loadMode, keyColumns }: Read): ColumnFault | null {
  if (names.length + OWN_COLUMNS > MOST_COLUMNS) {
    return {
      what: `its ${names.length} columns are more than a table of Postgres can have (${MOST_COLUMNS}, of which Sluice needs ${OWN_COLUMNS})`,
      fix: `Leave some out with ${excludeOption(entityKey)}.`,
      column: null,
    };
  }
  // Versions of a row have the time from which they are valid in their key.
  const mostInKey = loadMode === "scd2" ? MOST_KEY_COLUMNS - 1 : MOST_KEY_COLUMNS;
  if (keyColumns.length <= mostInKey) return null;
  return {
    what: `its key has ${keyColumns.length} columns, and load mode ${loadMode} makes keys of at most ${mostInKey}`,
    fix: "Choose fewer primaryKeyColumns or another loadMode in the table binding.",
    column: null,
  };
}
