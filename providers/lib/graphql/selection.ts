import type { GraphqlColumn } from "./declaration.ts";

export const PAGE_INFO = "pageInfo { hasNextPage endCursor }";

type Tree = Map<string, Tree | string>;

/** Which columns of which entities a query asks for; an entity that is absent is not asked for. */
export type Wanted = ReadonlyMap<string, ReadonlySet<string>>;

export function detailsOf(name: string, column: GraphqlColumn): Exclude<GraphqlColumn, string> & { path: string } {
  const details = typeof column === "string" ? { type: column } : column;
  return { ...details, path: details.path ?? name };
}

/**
 * The selection of an object that columns are made of, without its braces.
 * @param paths besides the columns'
 */
export function selectionOf(
  columns: Record<string, GraphqlColumn>,
  options: {
    names?: ReadonlySet<string> | undefined;
    paths?: readonly string[];
    unions?: Record<string, readonly string[]>;
    /** Columns that hold the nodes of a connection are left out: what cannot have them. */
    isFlat?: boolean;
  },
): string {
  const { names, paths = [], unions = {}, isFlat = false } = options;
  const tree: Tree = new Map();
  for (const path of paths) put(tree, path.split("."), undefined);
  for (const [name, column] of Object.entries(columns)) {
    const { path, parent, select, nodes } = detailsOf(name, column);
    if (parent !== undefined || names?.has(name) === false || (nodes !== undefined && isFlat)) continue;
    put(tree, path.split("."), nodes === undefined ? select : nestedSelection(path, nodes, "first: $nested"));
  }
  const text = print(tree, unions, "");
  const types = unions[""];
  return types === undefined ? text : types.map((type) => `... on ${type} { ${text} }`).join(" ");
}

/** `isCut` is asked for by a name that nothing else in an answer has. */
export function nestedSelection(connection: string, nodes: string, args: string): string {
  return `${connection}(${args}) { nodes { ${nodes} } pageInfo { isCut: hasNextPage endCursor } }`;
}

function put(tree: Tree, [step = "", ...rest]: string[], select: string | undefined): void {
  const known = tree.get(step);
  if (rest.length === 0) {
    if (known === undefined || select !== undefined) tree.set(step, select ?? step);
    return;
  }
  const inner: Tree = known instanceof Map ? known : new Map();
  tree.set(step, inner);
  put(inner, rest, select);
}

function print(tree: Tree, unions: Record<string, readonly string[]>, prefix: string): string {
  return [...tree]
    .map(([step, inner]) => {
      if (typeof inner === "string") return inner;
      const path = `${prefix}${step}`;
      const fields = print(inner, unions, `${path}.`);
      const types = unions[path];
      const body = types === undefined ? fields : types.map((type) => `... on ${type} { ${fields} }`).join(" ");
      return `${step} { ${body} }`;
    })
    .join(" ");
}
