import { LISTING_RESOURCE } from "../lib/files/listing-resource.ts";
import type { RestResource } from "../lib/rest/declaration.ts";
import { toResourceConfig } from "../lib/rest/declared-resource.ts";
import { declareResource } from "../lib/rest/define-rest-provider.ts";
import { defineProvider } from "../provider.ts";
import {
  type ConnectionConfig,
  connectionSchema,
  type SourceConfig,
  secrets,
  secretsOf,
  sourceConfigSchema,
  sourceInstanceKey,
} from "./config.ts";
import { LIST_COLUMNS, LIST_CONTENT_TYPES } from "./list-parts.ts";
import { DRIVE_ITEMS, DRIVES, LIST_ITEMS, LISTS, SITES } from "./resources.ts";
import { SITE_USERS } from "./site-users.ts";

const KEY = "msft_sharepoint";

/** As documents show them. */
const DRIVE_ITEMS_OF: RestResource = {
  ...DRIVE_ITEMS,
  entityKey: "drive_items:<drive id>",
  displayName: "Drive items",
  description: "Files, folders and the like of one drive, by its change feed.",
  path: "",
};
const LIST_ITEMS_OF: RestResource = {
  ...LIST_ITEMS,
  entityKey: "list_items:<list id>",
  displayName: "List items",
  description: "Items of one list, by its change feed. The columns that the list defines follow those below.",
  path: "",
};

export const msftSharepoint = defineProvider<ConnectionConfig, SourceConfig>({
  key: KEY,
  displayName: "Microsoft SharePoint",
  connectionSchema,
  addressOf: ({
    tenantId,
    clientId,
    auth,
    cloud,
    graphUrl = null,
    loginUrl = null,
    siteUrl = null,
    siteId = null,
  }) => ({
    ...{ tenantId, clientId, auth, cloud, graphUrl, loginUrl, siteUrl, siteId },
  }),
  // SharePoint counts an app in a tenant, whatever sites it reads.
  limitsSharedBy: ["tenantId", "clientId"],
  secrets,
  secretsOf,
  sourceConfigSchema,
  // Those of each drive and list are found.
  dynamicResources: true,
  resources: [
    ...[SITES, DRIVES, LISTS, LIST_COLUMNS, LIST_CONTENT_TYPES, SITE_USERS].map((resource) =>
      declareResource(resource, toResourceConfig({ key: KEY }, resource)),
    ),
    LISTING_RESOURCE,
  ],
  foundResources: [DRIVE_ITEMS_OF, LIST_ITEMS_OF].map((resource) =>
    declareResource(resource, toResourceConfig({ key: KEY }, resource)),
  ),
  sourceInstanceKey,
  connect: async (options) => {
    const { createSource } = await import("./source.ts");
    return createSource(options);
  },
});
