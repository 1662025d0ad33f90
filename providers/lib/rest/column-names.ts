import { fitIdentifier, normaliseName, shortHash } from "../../../core/naming.ts";

/** The column for what has none. */
export const UNMAPPED = "_unmapped";
const PARENT_PREFIX = "_parent_";

/** Column names that Postgres keeps for itself. */
const SYSTEM_COLUMNS = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/** Something of a record that has a column, or is to have one. */
export interface Named {
  /** Tells it from everything else of the resource, for ever. */
  id: string;
  /** What the name is made of. */
  path: string;
  /** The configuration names it, so that it comes before what only records show. */
  declared: boolean;
}

/**
 * Names of columns by id. One that was given stays; a newcomer whose name is taken gets a hash of its path. Which of several
 * newcomers gets the plain name does not depend on their order: what is declared comes first, then what is called just so, then
 * the order of the paths.
 * @param given every name that was ever given, also to what has no column at present
 */
export function nameColumns(wanted: readonly Named[], given: ReadonlyMap<string, string>): Map<string, string> {
  const names = new Map(given);
  const taken = new Set([UNMAPPED, ...given.values()]);
  for (const { id, path } of wanted.filter((each) => !given.has(each.id)).sort(compare)) {
    const plain = plainName(path);
    let name = fitIdentifier(plain);
    for (let seed = path; taken.has(name); seed += id) name = fitIdentifier(`${plain}_${shortHash(seed)}`);
    taken.add(name);
    names.set(id, name);
  }
  return names;
}

export function parentColumnPath(field: string): string {
  return `${PARENT_PREFIX}${field}`;
}

function compare(a: Named, b: Named): number {
  const rank = ({ declared, path }: Named): number => (declared ? 0 : path === plainName(path) ? 1 : 2);
  return rank(a) - rank(b) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

function plainName(path: string): string {
  const [prefix, own] = path.startsWith(PARENT_PREFIX) ? [PARENT_PREFIX, path.slice(PARENT_PREFIX.length)] : ["", path];
  const name = `${prefix}${normaliseName(own)}`;
  return SYSTEM_COLUMNS.includes(name) ? `${name}_` : name;
}
