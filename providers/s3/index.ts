import { LISTING_RESOURCE } from "../lib/files/listing-resource.ts";
import { defineProvider } from "../provider.ts";
import {
  addressOf,
  type ConnectionConfig,
  connectionSchema,
  type SourceConfig,
  secrets,
  secretsOf,
  sourceConfigSchema,
  sourceInstanceKey,
} from "./config.ts";

export const s3 = defineProvider<ConnectionConfig, SourceConfig>({
  key: "s3",
  displayName: "Amazon S3",
  connectionSchema,
  addressOf,
  secrets,
  secretsOf,
  sourceConfigSchema,
  dynamicResources: true,
  resources: [LISTING_RESOURCE],
  sourceInstanceKey,
  connect: async (options) => {
    const { createSource } = await import("./source.ts");
    return createSource(options);
  },
});
