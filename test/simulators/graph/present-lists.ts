import type { ColumnDefinition, ContentType, Drive, List, ListItem, Site } from "@microsoft/microsoft-graph-types";
import type { Store, Stored } from "../store.ts";
import { guidOf } from "./errors.ts";
import { properties } from "./options.ts";
import { type DriveFacts, HOST, type ListFacts, type SiteFacts, USER } from "./tenant.ts";
import { ITEMS, isIn } from "./tree.ts";

export const LIST_ITEMS = "list_items";

export const SITE_PROPERTIES = properties<Site>(
  "id",
  "name",
  "displayName",
  "description",
  "webUrl",
  "createdDateTime",
  "lastModifiedDateTime",
  "root",
  "siteCollection",
  "sharepointIds",
  "isPersonalSite",
  "parentReference",
);
export const DRIVE_PROPERTIES = properties<Drive>(
  "id",
  "name",
  "description",
  "webUrl",
  "driveType",
  "createdDateTime",
  "lastModifiedDateTime",
  "createdBy",
  "lastModifiedBy",
  "owner",
  "quota",
  "system",
  "sharePointIds",
);
export const LIST_PROPERTIES = properties<List>(
  "id",
  "name",
  "displayName",
  "description",
  "webUrl",
  "createdDateTime",
  "lastModifiedDateTime",
  "createdBy",
  "lastModifiedBy",
  "list",
  "system",
  "eTag",
  "parentReference",
  "sharepointIds",
);
export const LIST_ITEM_PROPERTIES = properties<ListItem>(
  "id",
  "eTag",
  "webUrl",
  "createdDateTime",
  "lastModifiedDateTime",
  "createdBy",
  "lastModifiedBy",
  "parentReference",
  "contentType",
  "sharepointIds",
  "name",
  "description",
);

const MADE = { createdDateTime: "2025-06-01T09:00:00Z", lastModifiedDateTime: "2025-12-01T09:00:00Z" };

export function presentSite({ id, path, key, displayName }: SiteFacts): Site {
  return {
    ...{ id, name: key, displayName, description: "", ...MADE, siteCollection: { hostname: HOST } },
    ...{ webUrl: `https://${HOST}/${path}`, root: {} },
  } satisfies Site;
}

export function presentDrive({ id, site, name }: DriveFacts): Drive {
  return {
    ...{ id, name, description: "", driveType: "documentLibrary", ...MADE, createdBy: { user: USER } },
    webUrl: `https://${HOST}/${site.path}/${encodeURI(name)}`,
    owner: { group: { displayName: `${site.displayName} Owners` } } as NonNullable<Drive["owner"]>,
    quota: { deleted: 0, remaining: 27_487_790_694_400, state: "normal", total: 27_487_790_694_400, used: 1_000 },
  } satisfies Drive;
}

export function presentList(list: ListFacts): List {
  return {
    ...{ id: list.id, name: list.name, displayName: list.displayName, description: "", ...MADE },
    ...{ eTag: `"${list.id},4"`, createdBy: { user: USER }, parentReference: { siteId: list.site.id } },
    webUrl: `https://${HOST}/${list.site.path}/Lists/${encodeURI(list.name)}`,
    list: { contentTypesEnabled: false, hidden: list.isSystem === true, template: list.template },
    ...(list.isSystem === true ? { system: {} } : {}),
  } satisfies List;
}

export function itemsOfList(store: Store, list: ListFacts): Stored[] {
  return store.rows(tableOfList(list)).filter(({ id }) => isIn(list, id));
}

export function tableOfList({ drive }: ListFacts): string {
  return drive === undefined ? LIST_ITEMS : ITEMS;
}

/** @param fields those that `$expand=fields` asks for: null for all, undefined for none */
export function presentListItem(list: ListFacts, item: Stored, fields?: readonly string[] | null): ListItem {
  const id = String(item.id - list.base);
  const etag = `"${guidOf(`${list.id} ${id}`)},${Number(item.revision ?? 1)}"`;
  return {
    ...{ id, eTag: etag, createdBy: { user: USER }, lastModifiedBy: { user: USER } },
    ...{ createdDateTime: String(item.created), lastModifiedDateTime: String(item.updated_at) },
    webUrl: `https://${HOST}/${list.site.path}/Lists/${encodeURI(list.name)}/${id}_.000`,
    parentReference: { id: guidOf(`folder ${list.id}`), siteId: list.site.id },
    contentType: { id: CONTENT_TYPE.id, name: CONTENT_TYPE.name },
    ...(fields === undefined
      ? {}
      : { fields: fieldsOf(list, item, { id, etag, fields }) as ListItem["fields"] & object }),
  } satisfies ListItem;
}

/** https://learn.microsoft.com/graph/api/resources/fieldvalueset: a lookup is told by its id, its value only comes when it is asked for. */
function fieldsOf(
  list: ListFacts,
  item: Stored,
  { id, etag, fields }: { id: string; etag: string; fields: readonly string[] | null },
): Record<string, unknown> {
  const own: Record<string, unknown> = {
    ...(list.drive === undefined ? Object(item.fields) : { Title: item.name, FileLeafRef: item.name }),
    ...{
      ContentType: "Item",
      Created: item.created,
      Modified: item.updated_at,
      AuthorLookupId: "6",
      Author: USER.displayName,
    },
    ...{ _UIVersionString: `${Number(item.revision ?? 1)}.0`, Attachments: false, ID: Number(id) },
  };
  const shown = Object.entries(own).filter(([name, value]) => {
    if (value === undefined || value === null) return false;
    if (fields !== null) return fields.includes(name.replace(/@.*$/, ""));
    const column = list.columns.find((each) => each.name === name);
    return name !== "ID" && !(isLookup(column) && !Array.isArray(value));
  });
  return {
    "@odata.etag": etag,
    ...(fields === null || fields.includes("id") ? { id } : {}),
    ...Object.fromEntries(shown),
  };
}

/** @returns what is wrong with the fields that are asked for; null: nothing */
export function wrongFields({ columns }: ListFacts, fields: readonly string[]): string | null {
  const unknown = fields.find(
    (name) => name !== "id" && !columns.some((each) => each.name === name || `${each.name}LookupId` === name),
  );
  if (unknown !== undefined) return `Field '${unknown}' is not recognized.`;
  const lookups = fields.filter((name) => isLookup(columns.find((each) => each.name === name)));
  return lookups.length > 12 ? "The query has more than 12 lookup columns." : null;
}

export function isLookup(column: ColumnDefinition | undefined): boolean {
  return column?.lookup !== undefined || column?.personOrGroup !== undefined;
}

/** The one that all lists have. */
export const CONTENT_TYPE = {
  ...{ id: "0x0100A7B2", name: "Item", description: "Create a new list item.", group: "List Content Types" },
  ...{ hidden: false, parentId: "0x01", readOnly: false, sealed: false },
} satisfies ContentType;
