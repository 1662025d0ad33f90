import type {
  ColumnDefinition,
  ContentType,
  Drive,
  DriveItem,
  List,
  ListItem,
  Site,
} from "@microsoft/microsoft-graph-types";
import { describe, expect, it } from "vitest";
import type { RestColumn } from "../../../providers/lib/rest/declaration.ts";
import { LIST_COLUMNS, LIST_CONTENT_TYPES } from "../../../providers/msft_sharepoint/list-parts.ts";
import { DRIVE_ITEMS, DRIVES, LIST_ITEMS, LISTS, SITES } from "../../../providers/msft_sharepoint/resources.ts";

/** Paths to what a resource of Graph has, as its published types have it: a path that it does not have does not compile. */
type PathOf<T, Depth extends unknown[] = []> = Depth["length"] extends 3
  ? never
  : {
      [K in keyof T & string]: K | `${K}.${PathOf<NonNullable<T[K]>, [...Depth, 0]>}`;
    }[keyof T & string];

const BASE = ["webUrl", "description", "createdDateTime", "lastModifiedDateTime"] as const;
/** `email` of a user is in what Graph answers and in its documents, and not in its types. */
const people = (...prefixes: string[]) =>
  prefixes.flatMap((prefix) =>
    ["user.id", "user.displayName", "user.email", "application.displayName"].map((path) => `${prefix}.${path}`),
  );

const site: PathOf<Site>[] = [
  "id",
  "name",
  "displayName",
  ...BASE,
  "siteCollection.hostname",
  "isPersonalSite",
  "parentReference.siteId",
];
const drive: PathOf<Drive>[] = [
  "id",
  "name",
  "driveType",
  ...BASE,
  "owner.user.id",
  "quota.total",
  "quota.used",
  "quota.deleted",
  "quota.state",
];
const list: PathOf<List>[] = [
  "id",
  "name",
  "displayName",
  ...BASE,
  "eTag",
  "list.template",
  "list.hidden",
  "list.contentTypesEnabled",
  "createdBy.user.id",
  "lastModifiedBy.application.displayName",
];
const column: PathOf<ColumnDefinition>[] = [
  ...([
    "id",
    "name",
    "displayName",
    "description",
    "columnGroup",
    "hidden",
    "indexed",
    "readOnly",
    "required",
  ] as const),
  ...(["enforceUniqueValues", "choice.choices", "lookup.listId", "lookup.columnName", "calculated.formula"] as const),
];
const contentType: PathOf<ContentType>[] = [
  ...(["id", "name", "description", "group", "parentId", "hidden", "readOnly", "sealed"] as const),
];
const item: PathOf<DriveItem>[] = [
  ...["id", "name", "size", "eTag", "cTag", ...BASE, "parentReference.id", "fileSystemInfo.createdDateTime"],
  ...["fileSystemInfo.lastModifiedDateTime", "file.mimeType", "file.hashes.quickXorHash", "folder.childCount"],
  ...["package.type", "malware.description", "shared.scope", "createdBy.user.id", "lastModifiedBy.user.displayName"],
] as const;
const listItem: PathOf<ListItem>[] = [
  "id",
  "eTag",
  "webUrl",
  "createdDateTime",
  "lastModifiedDateTime",
  "parentReference.id",
  "contentType.id",
  "contentType.name",
  "createdBy.user.id",
];

const pathsOf = (columns: Record<string, RestColumn>) =>
  Object.entries(columns).map(([name, column]) => (typeof column === "string" ? name : (column.path ?? name)));

describe("columns are made of what Graph's types have", () => {
  it.each([
    ["sites", SITES.columns, [...site]],
    ["drives", DRIVES.columns, [...drive, ...people("owner"), "siteId"]],
    ["lists", LISTS.columns, [...list, ...people("createdBy", "lastModifiedBy"), "siteId"]],
    [
      "list_columns",
      LIST_COLUMNS.columns,
      [...column, "defaultValue.value", "defaultValue.formula", "listId", "siteId", "kind"],
    ],
    ["list_content_types", LIST_CONTENT_TYPES.columns, [...contentType, "listId", "siteId"]],
    ["drive_items", DRIVE_ITEMS.columns, [...item, ...people("createdBy", "lastModifiedBy"), "driveId", "kind"]],
    ["list_items", LIST_ITEMS.columns, [...listItem, ...people("createdBy", "lastModifiedBy"), "listId"]],
  ])("%s", (_, columns, known) => {
    expect(pathsOf(columns).filter((path) => !known.includes(path as never))).toEqual([]);
  });
});
