/** Every table of Postgres has these. */
const SYSTEM_COLUMNS = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/** Of Postgres; columns that were dropped count. */
const MOST_COLUMNS = 1600;

/** A number that fits all that Sluice itself adds to a table. */
const OWN_COLUMNS = 8;

/** Why the columns cannot be those of a table; null when they can. How long a name may be is checked where it is quoted. */
export function findNameFault(names: readonly string[]): string | null {
  const own = names.find((name) => name.startsWith("_sluice_"));
  if (own !== undefined) return `the column name ${own} is Sluice's own. Rename it at the source, or leave it out`;
  const system = names.find((name) => SYSTEM_COLUMNS.includes(name));
  if (system !== undefined)
    return `the column name ${system} is Postgres's own. Rename it at the source, or leave it out`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `two of its columns are called ${twice}. Rename one at the source, or leave it out`;
  return names.length + OWN_COLUMNS <= MOST_COLUMNS
    ? null
    : `its ${names.length} columns are more than a table of Postgres can have (${MOST_COLUMNS}, of which Sluice needs ${OWN_COLUMNS}). Leave some out at the source`;
}
