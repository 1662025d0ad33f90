import type { Simulator } from "../simulator.ts";
import type { Shop } from "./shopify.ts";

/** Where a column comes from: the path of fields, and for what has fields of its own their selection, with the last field's name. */
export interface TruthColumn {
  path: string;
  select?: string | undefined;
}

interface TruthOptions {
  shop: Shop;
  simulator: Simulator;
  /** A connection of the query root. */
  root: string;
  columns: Record<string, TruthColumn>;
  /** A list or connection below each object, whose elements are wanted; `columns` are theirs. */
  below?: { field: string; parentColumns: Record<string, TruthColumn> };
  /** Arguments of the root. */
  args?: string;
}

/** The rows that a table should have, by what the shop tells of itself, and by no code of the connector. */
export function truthOf({ shop, simulator, root, columns, below, args }: TruthOptions): Record<string, unknown>[] {
  const own = Object.values(columns).map(selectionOf).join(" ");
  const parents = Object.values(below?.parentColumns ?? {})
    .map(selectionOf)
    .join(" ");
  const field = below === undefined ? "" : below.field;
  const nodes = below === undefined ? own : `${parents} ${field} { ${isList(field) ? own : `nodes { ${own} }`} }`;
  const data = shop.tell(`{ ${root}${args === undefined ? "" : `(${args})`} { nodes { ${nodes} } } }`, simulator);
  const found = (Object(data[root]).nodes ?? []) as unknown[];
  if (below === undefined) return found.map((node) => rowOf(node, columns));
  return found.flatMap((node) => {
    const inside = Object(node)[field];
    const elements = (Array.isArray(inside) ? inside : inside.nodes) as unknown[];
    return elements.map((element) => ({ ...rowOf(node, below.parentColumns), ...rowOf(element, columns) }));
  });
}

/** Of an order: lists, and no connections. */
function isList(field: string): boolean {
  return ["refunds", "transactions", "fulfillments"].includes(field);
}

function selectionOf({ path, select }: TruthColumn): string {
  const [last = "", ...rest] = path.split(".").reverse();
  return rest.reduce((inner, step) => `${step} { ${inner} }`, select ?? last);
}

function rowOf(node: unknown, columns: Record<string, TruthColumn>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, { path }]) => [
      name,
      path.split(".").reduce<unknown>((found, step) => (found == null ? null : Object(found)[step]), node) ?? null,
    ]),
  );
}
