import { declaredTable, type FeedTable } from "../lib/feeds/plan-feed.ts";
import type { JsonObject } from "../lib/http/json.ts";
import type { RestColumn, RestResource } from "../lib/rest/declaration.ts";
import { toResourceConfig } from "../lib/rest/declared-resource.ts";
import type { EntitySchema, NamedColumns } from "../provider.ts";
import type { ConnectionConfig } from "./config.ts";
import { toListColumns } from "./list-columns.ts";
import { DRIVE_ITEMS, LIST_ITEMS } from "./resources.ts";
import type { Drive, List } from "./site-catalog.ts";

/** The tables of a connection, as discovery shows them and plans read them. */

export const DRIVE_PREFIX = "drive_items:";
export const LIST_PREFIX = "list_items:";

const PROVIDER = { key: "msft_sharepoint" } as const;

/** A table that is declared; see `resources.ts`. It is no feed: all of it is read each time. */
export function listingTable(resource: RestResource): FeedTable {
  return { ...shaped(resource), first: resource.entityKey };
}

export function driveTable(
  drive: Pick<Drive, "id" | "name">,
  { pageSize }: Pick<ConnectionConfig, "pageSize">,
): FeedTable {
  const resource: RestResource = {
    ...DRIVE_ITEMS,
    entityKey: `${DRIVE_PREFIX}${drive.id}`,
    displayName: `Items of ${drive.name}`,
    description: `Files and folders of the drive ${drive.name}.`,
    path: "",
  };
  return {
    ...asFeed(shaped(resource)),
    first: `drives/${encodeURIComponent(drive.id)}/root/delta?$top=${pageSize}`,
    own: { driveId: drive.id },
    // Of a deleted folder the feed may name the folder alone.
    within: "parent_id",
  };
}

/** @param definitions of the list's columns */
export function listTable(
  list: Pick<List, "id" | "displayName" | "siteId">,
  definitions: readonly JsonObject[],
  { pageSize }: Pick<ConnectionConfig, "pageSize">,
  named: NamedColumns | undefined,
): FeedTable {
  const { columns, names, leftOut } = toListColumns(definitions, Object.keys(LIST_ITEMS.columns), named);
  const declared = columns.map(({ column, path, type, description }): [string, RestColumn] => [
    column,
    { path, type, description },
  ]);
  const resource: RestResource = {
    ...LIST_ITEMS,
    entityKey: `${LIST_PREFIX}${list.id}`,
    displayName: `Items of ${list.displayName}`,
    description: `Items of the list ${list.displayName}.`,
    path: "",
    columns: { ...LIST_ITEMS.columns, ...Object.fromEntries(declared) },
  };
  const { schema, shape } = asFeed(shaped(resource));
  return {
    schema: { ...schema, columnNames: Object.fromEntries(names) },
    shape,
    first: `sites/${list.siteId}/lists/${encodeURIComponent(list.id)}/items/delta?$expand=fields&$top=${pageSize}`,
    own: { listId: list.id, leftOut },
  };
}

/**
 * A value that does not fit its column is kept in `_unmapped`, and its record is a row all the same: what Graph calls an instant may come
 * without a zone, and a list's columns change more often than its items. Keys alone have to fit.
 */
function shaped(resource: RestResource): Pick<FeedTable, "schema" | "shape"> {
  const { schema, shape } = declaredTable(toResourceConfig(PROVIDER, resource));
  const fields = shape.fields.map((field): typeof field =>
    field.required ? field : { ...field, inferred: true, lenient: true },
  );
  return { schema, shape: { ...shape, fields } };
}

function asFeed({ schema, shape }: Pick<FeedTable, "schema" | "shape">): Pick<FeedTable, "schema" | "shape"> {
  const feed: EntitySchema = { ...schema, changeFeed: true };
  return { schema: feed, shape };
}
