import type { RestResource } from "../lib/rest/declaration.ts";
import { baseColumns, personColumns } from "./columns.ts";

/** The tables that every site has. Those of its drives and lists are found by discovery. */

const DRIVE_ID = "Id of the drive, as in the entity key `drive_items:<id>`.";

/** https://learn.microsoft.com/graph/api/resources/site */
export const SITES: RestResource = {
  entityKey: "sites",
  displayName: "Sites",
  description: "The site of the connection, and the sites below it where `includeSubsites` is set.",
  path: "sites",
  columns: {
    id: { type: "text", description: "Id as Graph gives it: host, id of the site collection, id of the site." },
    name: { type: "text", description: "Last part of its address." },
    display_name: { type: "text", path: "displayName" },
    ...baseColumns,
    hostname: { type: "text", path: "siteCollection.hostname" },
    is_personal: { type: "boolean", path: "isPersonalSite", description: "It is somebody's OneDrive." },
    parent_site_id: { type: "text", path: "parentReference.siteId" },
  },
  primaryKey: ["id"],
  loadMode: "replace",
  sizeClass: "xs",
};

/** https://learn.microsoft.com/graph/api/resources/drive */
export const DRIVES: RestResource = {
  entityKey: "drives",
  displayName: "Drives",
  description: "Document libraries of the sites.",
  path: "drives",
  columns: {
    id: { type: "text", description: DRIVE_ID },
    site_id: { type: "text", path: "siteId", description: "Which site has it." },
    name: "text",
    drive_type: { type: "text", path: "driveType", description: "`documentLibrary`, `business` or `personal`." },
    ...baseColumns,
    ...personColumns("owner", "owner", "owns it"),
    quota_total_bytes: { type: "bigint", path: "quota.total" },
    quota_used_bytes: { type: "bigint", path: "quota.used" },
    quota_deleted_bytes: { type: "bigint", path: "quota.deleted", description: "In the recycle bin." },
    quota_state: { type: "text", path: "quota.state" },
  },
  primaryKey: ["id"],
  loadMode: "replace",
  sizeClass: "xs",
};

/** https://learn.microsoft.com/graph/api/resources/list */
export const LISTS: RestResource = {
  entityKey: "lists",
  displayName: "Lists",
  description: "Lists of the sites, document libraries among them.",
  path: "lists",
  columns: {
    id: { type: "text", description: "Id of the list, as in the entity key `list_items:<id>`." },
    site_id: { type: "text", path: "siteId", description: "Which site has it." },
    name: { type: "text", description: "Last part of its address." },
    display_name: { type: "text", path: "displayName" },
    ...baseColumns,
    template: { type: "text", path: "list.template", description: "`genericList`, `documentLibrary`, ..." },
    is_hidden: { type: "boolean", path: "list.hidden" },
    content_types_enabled: { type: "boolean", path: "list.contentTypesEnabled" },
    etag: { type: "text", path: "eTag" },
    ...personColumns("created_by", "createdBy", "made it"),
    ...personColumns("modified_by", "lastModifiedBy", "changed it last"),
  },
  primaryKey: ["id"],
  loadMode: "replace",
  sizeClass: "s",
};

/**
 * Of each drive; its entity key and path are those of the drive. It has no column with the item's path: a folder that is renamed or moved comes in
 * the feed alone, without what lies in it, so that the paths below it would be wrong from then on. `parent_id` leads there.
 * https://learn.microsoft.com/graph/api/resources/driveitem
 */
export const DRIVE_ITEMS: Omit<RestResource, "entityKey" | "displayName" | "description" | "path"> = {
  columns: {
    id: { type: "text", description: "Stays when the item is renamed, or moved within the drive." },
    drive_id: { type: "text", path: "driveId", description: "The drive that it is in." },
    parent_id: {
      type: "text",
      path: "parentReference.id",
      description: "Id of the folder that it lies in; null for the root.",
    },
    name: "text",
    kind: {
      type: "text",
      description:
        "`file`, `folder`, `package` (a notebook, for example), `remote` (a shortcut to another drive) or `root`.",
    },
    size_bytes: { type: "bigint", path: "size" },
    ...baseColumns,
    web_url: {
      type: "text",
      path: "webUrl",
      description: "Address in a browser, as it was when the item itself was changed last.",
    },
    file_created_at: {
      type: "timestamptz",
      path: "fileSystemInfo.createdDateTime",
      description: "By the clock of whoever uploaded it.",
    },
    file_modified_at: {
      type: "timestamptz",
      path: "fileSystemInfo.lastModifiedDateTime",
      description: "By the clock of whoever uploaded it.",
    },
    ...personColumns("created_by", "createdBy", "made it"),
    ...personColumns("modified_by", "lastModifiedBy", "changed it last"),
    mime_type: { type: "text", path: "file.mimeType" },
    quick_xor_hash: {
      type: "text",
      path: "file.hashes.quickXorHash",
      description: "Microsoft's own hash of the content.",
    },
    child_count: { type: "bigint", path: "folder.childCount", description: "How many items lie in the folder itself." },
    package_type: { type: "text", path: "package.type" },
    malware: {
      type: "text",
      path: "malware.description",
      description: "Which malware the source found in it; such a file cannot be downloaded.",
    },
    shared_scope: { type: "text", path: "shared.scope" },
    etag: { type: "text", path: "eTag", description: "Another one with each change of the item." },
    ctag: {
      type: "text",
      path: "cTag",
      description: "Another one with each change of the content. SharePoint leaves it out of its feed.",
    },
  },
  primaryKey: ["id"],
  loadMode: "upsert",
  sizeClass: "l",
};

/** Of each list, before the columns that the list itself defines. https://learn.microsoft.com/graph/api/resources/listitem */
export const LIST_ITEMS: Omit<RestResource, "entityKey" | "displayName" | "description" | "path"> = {
  columns: {
    id: { type: "text", description: "Number of the item in its list; columns that look it up hold it." },
    list_id: { type: "text", path: "listId" },
    parent_id: { type: "text", path: "parentReference.id", description: "Id of the folder that it lies in." },
    web_url: {
      type: "text",
      path: "webUrl",
      description: "Address in a browser, as it was when the item itself was changed last.",
    },
    created_at: { type: "timestamptz", path: "createdDateTime" },
    modified_at: { type: "timestamptz", path: "lastModifiedDateTime" },
    ...personColumns("created_by", "createdBy", "made it"),
    ...personColumns("modified_by", "lastModifiedBy", "changed it last"),
    content_type_id: { type: "text", path: "contentType.id" },
    content_type: { type: "text", path: "contentType.name" },
    etag: { type: "text", path: "eTag", description: "Another one with each change of the item." },
  },
  primaryKey: ["id"],
  loadMode: "upsert",
  sizeClass: "m",
};
