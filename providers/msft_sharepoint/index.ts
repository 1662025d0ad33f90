import { LISTING_RESOURCE } from "../lib/files/listing-resource.ts";
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
import { DRIVES, LISTS, SITES } from "./resources.ts";

const KEY = "msft_sharepoint";

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
  secrets,
  secretsOf,
  sourceConfigSchema,
  // Those of each drive and list are found.
  dynamicResources: true,
  resources: [
    ...[SITES, DRIVES, LISTS].map((resource) => declareResource(resource, toResourceConfig({ key: KEY }, resource))),
    LISTING_RESOURCE,
  ],
  sourceInstanceKey,
  connect: async (options) => {
    const { createSource } = await import("./source.ts");
    return createSource(options);
  },
});
