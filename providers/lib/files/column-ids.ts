import { normaliseName, shortHash } from "../../../core/naming.ts";

/** Column names that Postgres keeps for itself. */
const SYSTEM_COLUMNS = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/**
 * What the columns of a header are called. Headers of two files mean the same column where they differ in case, spaces and punctuation
 * alone. Within one header each id occurs once: a second `name` is `name_2`, and one without a name `column_3`, by its place.
 */
export function columnIdsOf(header: readonly string[]): string[] {
  const plain = header.map((name, index) => plainId(name, index));
  const taken = new Set<string>();
  const all = new Set(plain);
  return plain.map((id) => {
    let own = id;
    for (let n = 2; taken.has(own) || (own !== id && all.has(own)); n += 1) own = `${id}_${n}`;
    taken.add(own);
    return own;
  });
}

function plainId(name: string, index: number): string {
  const trimmed = name.trim();
  if (trimmed === "") return `column_${index + 1}`;
  const id = normaliseName(trimmed);
  // Signs alone have no letters to be named by.
  if (id === "unnamed" && trimmed.toLowerCase() !== id) return `${id}_${shortHash(trimmed)}`;
  return SYSTEM_COLUMNS.includes(id) ? `${id}_` : id;
}
