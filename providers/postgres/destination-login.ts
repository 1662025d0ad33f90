import type { DatabaseLogin } from "../../core/database-login.ts";
import { connectionSchema } from "./config.ts";

/** The same database as a place to load into. */
export function destinationLogin(connection: {
  config: Record<string, unknown>;
  secrets: Record<string, string>;
}): DatabaseLogin {
  const { host, port, database, user, sslMode, sslRootCert = null } = connectionSchema.parse(connection.config);
  return { host, port, database, user, password: connection.secrets.password ?? "", sslMode, sslRootCert };
}
