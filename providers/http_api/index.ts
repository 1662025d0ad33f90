import { defineProvider } from "../provider.ts";
import { type ConnectionConfig, connectionSchema, secretsOf, sourceInstanceKey } from "./config/connection.ts";
import { type SourceConfig, sourceConfigSchema } from "./config/source-config.ts";

export const httpApi = defineProvider<ConnectionConfig, SourceConfig>({
  key: "http_api",
  displayName: "HTTP API",
  connectionSchema,
  // Nobody else is ever asked: whatever a resource or a page names is held against these.
  addressOf: ({ baseUrl, auth, allowedHosts, tlsRootCert = null }) => ({ baseUrl, auth, allowedHosts, tlsRootCert }),
  secrets: {},
  secretsOf,
  sourceConfigSchema,
  dynamicResources: true,
  resources: [],
  sourceInstanceKey,
  connect: async (options) => {
    const { createSource } = await import("./source.ts");
    return createSource(options);
  },
});
