import type { FeedPage, Warn } from "../lib/feeds/feed.ts";
import { isObject, type JsonObject } from "../lib/http/json.ts";
import type { RestResource } from "../lib/rest/declaration.ts";
import type { Graph } from "./graph.ts";
import { whyLeftOut } from "./graph-errors.ts";
import { withoutAnnotations } from "./records.ts";
import type { List, SiteCatalog } from "./site-catalog.ts";

/** What each list defines: its columns and content types. Hidden columns are left out by Graph. */

const OF_LIST: RestResource["columns"] = {
  id: "text",
  list_id: { type: "text", path: "listId", description: "The list that defines it." },
  site_id: { type: "text", path: "siteId", description: "Which site has the list." },
  name: "text",
};

/** https://learn.microsoft.com/graph/api/resources/columndefinition */
export const LIST_COLUMNS: RestResource = {
  entityKey: "list_columns",
  displayName: "Columns of lists",
  description: "Columns that the lists define. `_unmapped` has what else a column's kind is set up with.",
  path: "columns",
  columns: {
    ...OF_LIST,
    name: { type: "text", description: "Internal name, as in the fields of an item." },
    display_name: { type: "text", path: "displayName" },
    description: "text",
    kind: {
      type: "text",
      description: "`text`, `choice`, `lookup`, `personOrGroup`, ... Null where Graph has no word.",
    },
    column_group: { type: "text", path: "columnGroup" },
    is_hidden: { type: "boolean", path: "hidden" },
    is_indexed: { type: "boolean", path: "indexed" },
    is_read_only: { type: "boolean", path: "readOnly" },
    is_required: { type: "boolean", path: "required" },
    is_unique: { type: "boolean", path: "enforceUniqueValues" },
    default_value: { type: "text", path: "defaultValue.value" },
    default_formula: { type: "text", path: "defaultValue.formula" },
    choices: { type: "jsonb", path: "choice.choices" },
    lookup_list_id: { type: "text", path: "lookup.listId", description: "The list that is looked up." },
    lookup_column: { type: "text", path: "lookup.columnName", description: "Its column that is shown." },
    formula: { type: "text", path: "calculated.formula" },
  },
  // Internal names stay, and no other column of the list has it.
  primaryKey: ["list_id", "name"],
  loadMode: "replace",
  sizeClass: "s",
};

/** https://learn.microsoft.com/graph/api/resources/contenttype */
export const LIST_CONTENT_TYPES: RestResource = {
  entityKey: "list_content_types",
  displayName: "Content types of lists",
  description: "Content types that the lists have; items name theirs by `content_type_id`.",
  path: "contentTypes",
  columns: {
    ...OF_LIST,
    description: "text",
    content_type_group: { type: "text", path: "group" },
    parent_id: { type: "text", path: "parentId" },
    is_hidden: { type: "boolean", path: "hidden" },
    is_read_only: { type: "boolean", path: "readOnly" },
    is_sealed: { type: "boolean", path: "sealed" },
  },
  primaryKey: ["list_id", "id"],
  loadMode: "replace",
  sizeClass: "s",
};

const PARTS = [LIST_COLUMNS, LIST_CONTENT_TYPES];

/** Facets of a column, of which it has one. */
const KINDS = [
  ...[
    "boolean",
    "calculated",
    "choice",
    "currency",
    "dateTime",
    "geolocation",
    "hyperlinkOrPicture",
    "lookup",
    "number",
  ],
  ...["personOrGroup", "term", "text", "thumbnail", "contentApprovalStatus"],
];

/**
 * A page for each list, in the order of ids: `list_columns`, and then `list_columns#<id of the list>`.
 * @returns null where the position is another's
 */
export async function readListParts(
  graph: Graph,
  catalog: SiteCatalog,
  { at, warn }: { at: string; warn: Warn },
): Promise<FeedPage | null> {
  const [key = "", from = ""] = at.split("#");
  const part = PARTS.find(({ entityKey }) => entityKey === key);
  if (part === undefined) return null;
  const lists = (await catalog.lists()).filter(({ id }) => id >= from).sort((a, b) => (a.id < b.id ? -1 : 1));
  const [list, next] = lists;
  if (list === undefined) return { records: [], next: null, bytes: 0 };
  const found = await partsOf(graph, list, { part, warn });
  const records = found.map((each) => ({
    record: {
      ...withoutAnnotations(each),
      listId: list.id,
      siteId: list.siteId,
      ...(part === LIST_COLUMNS ? { kind: kindOf(each) } : {}),
    },
  }));
  return { records, next: next === undefined ? null : `${key}#${next.id}`, bytes: 0 };
}

/** Nothing of a list that has gone since, or that is closed to the app while others are open: people hear of it. */
async function partsOf(
  graph: Graph,
  list: List,
  { part: { path, displayName }, warn }: { part: RestResource; warn: Warn },
): Promise<JsonObject[]> {
  const doing = `${displayName.toLowerCase()}: ${list.displayName}`;
  try {
    return await graph.all({
      ...{ doing, cost: "items", url: `sites/${list.siteId}/lists/${encodeURIComponent(list.id)}/${path}` },
    });
  } catch (error) {
    const why = whyLeftOut(error);
    if (why === null) throw error;
    // Where the site is closed as a whole, nothing was left out: nothing can be read.
    await graph.page({ doing: "lists of the site", cost: "items", url: `sites/${list.siteId}/lists?$top=1` });
    await warn(`The list ${list.displayName} is left out, with the rows that it had here: ${why}.`);
    return [];
  }
}

function kindOf(column: JsonObject): string | null {
  return KINDS.find((kind) => isObject(column[kind])) ?? null;
}
