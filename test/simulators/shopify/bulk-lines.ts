export interface BulkLine {
  text: string;
  parentId: string | null;
}

/** A bulk result: a line for each object of each connection, children with `__parentId`, each behind its parent. */
export function linesOf(data: unknown): BulkLine[] {
  const lines: BulkLine[] = [];

  function emit(node: unknown, parentId: string | null): void {
    const children: unknown[][] = [];
    const own = strip(node, children) as Record<string, unknown>;
    const line = parentId === null ? own : { ...own, __parentId: parentId };
    lines.push({ text: JSON.stringify(line), parentId });
    for (const child of children.flat()) emit(child, String(own.id));
  }

  /** @param children gets the connections that are taken out */
  function strip(value: unknown, children: unknown[][]): unknown {
    if (Array.isArray(value)) return value.map((item) => strip(item, children));
    if (typeof value !== "object" || value === null) return value;
    const kept: [string, unknown][] = [];
    for (const [name, inner] of Object.entries(value)) {
      const nodes = nodesOf(inner);
      if (nodes === null) kept.push([name, strip(inner, children)]);
      else children.push(nodes);
    }
    return Object.fromEntries(kept);
  }

  for (const root of Object.values(Object(data))) for (const node of nodesOf(root) ?? []) emit(node, null);
  return lines;
}

/** Null where the value is no connection. */
function nodesOf(value: unknown): unknown[] | null {
  const { edges, nodes } = Object(value);
  if (Array.isArray(edges)) return edges.map((edge) => Object(edge).node);
  return Array.isArray(nodes) ? nodes : null;
}
