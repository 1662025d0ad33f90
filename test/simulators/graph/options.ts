import type { VendorRequest } from "../simulator.ts";

/** What a request says of the answer that it wants: OData query options, each with or without its `$`. */
export interface QueryOptions {
  select: string[] | null;
  /** Navigation properties, each with what it selects of them: null for all. */
  expand: Map<string, string[] | null>;
  top: number | null;
  /** Where a page begins that an earlier page named. */
  skipToken: string | null;
  /** Of a delta. */
  token: string | null;
  search: string | null;
}

type OptionName = "select" | "expand" | "top" | "skiptoken" | "token" | "search";

/** What a resource takes, as its page in the documentation says. */
export interface AllowedOptions {
  options: readonly OptionName[];
  /** Properties that `$select` may name. */
  properties?: readonly string[];
  expands?: readonly string[];
}

/** Names of a resource's properties. */
export function properties<T>(...names: (keyof T & string)[]): readonly string[] {
  return names;
}

/** @returns what is wrong, as text: a client that asks for what is not documented must not get it here */
export function readOptions({ query }: VendorRequest, allowed: AllowedOptions): QueryOptions | string {
  const given = new Map<OptionName, string>();
  for (const [key, value] of query) {
    const name = key.replace(/^\$/, "").toLowerCase();
    const known = allowed.options.find((option) => option === name);
    if (known === undefined) return `Query option '${key}' is not supported here.`;
    if (given.has(known)) return `Query option '${key}' was specified more than once.`;
    given.set(known, value);
  }
  const select = given.get("select")?.split(",") ?? null;
  const unknown = select?.find((name) => !isProperty(name, allowed.properties ?? []));
  if (unknown !== undefined) return `Parsing OData Select and Expand failed: no property named '${unknown}'.`;
  const expand = readExpand(given.get("expand"));
  for (const name of expand?.keys() ?? [])
    if (!allowed.expands?.includes(name)) return `Parsing OData Select and Expand failed: cannot expand '${name}'.`;
  if (expand === null) return "Parsing OData Select and Expand failed: a parenthesis is not closed.";
  const top = given.get("top");
  if (top !== undefined && !/^[1-9]\d{0,5}$/.test(top)) return `Invalid value '${top}' for $top query option.`;
  return {
    ...{ select, expand, top: top === undefined ? null : Number(top), skipToken: given.get("skiptoken") ?? null },
    ...{ token: given.get("token") ?? null, search: given.get("search") ?? null },
  };
}

function isProperty(name: string, properties: readonly string[]): boolean {
  return name.startsWith("@microsoft.graph.") || properties.includes(name);
}

/** `fields($select=A,B),columns` @returns null where it is not written right */
function readExpand(text: string | undefined): QueryOptions["expand"] | null {
  const expand: QueryOptions["expand"] = new Map();
  let rest = text ?? "";
  while (rest !== "") {
    const [all, name = "", inner] = /^(\w+)(?:\(\$?select=([^()]*)\))?(?:,|$)/.exec(rest) ?? [];
    if (all === undefined) return null;
    expand.set(name, inner?.split(",") ?? null);
    rest = rest.slice(all.length);
  }
  return expand;
}

/** Of what the resource has those properties that were asked for. */
export function project(resource: object, select: readonly string[] | null): Record<string, unknown> {
  const entries = Object.entries(resource).filter(([, value]) => value !== undefined);
  if (select === null) return Object.fromEntries(entries);
  return Object.fromEntries(entries.filter(([name]) => select.includes(name) || name.startsWith("@odata.")));
}
