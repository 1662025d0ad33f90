import { defineProvider } from "../provider.ts";
import { type ConnectionConfig, connectionSchema, type SourceConfig, secrets, sourceConfigSchema } from "./config.ts";
import { destinationLogin } from "./destination-login.ts";

export const postgres = defineProvider<ConnectionConfig, SourceConfig>({
  key: "postgres",
  displayName: "PostgreSQL",
  connectionSchema,
  addressOf: ({ host, port, database, user, sslMode, sslRootCert = null }) => ({
    ...{ host, port, database, user, sslMode, sslRootCert },
  }),
  secrets,
  sourceConfigSchema,
  dynamicResources: true,
  comparable: true,
  resources: [],
  sourceInstanceKey: (config) => `${config.host}/${config.database}`,
  destinationLogin,
  connect: async (options) => {
    const { createSource } = await import("./source.ts");
    return createSource(options);
  },
});
