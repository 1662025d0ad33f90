import { TerminalError } from "../../core/errors.ts";
import { type ConnectionConfig, connectionSchema } from "./config.ts";

/** As the driver reads `sslmode`, which has no check of the authority alone: the host name is checked with it. */
const URL_SSL_MODES: Record<ConnectionConfig["sslMode"], string> = {
  disable: "disable",
  require: "no-verify",
  "verify-ca": "verify-full",
  "verify-full": "verify-full",
};

/** The same database as a place to load into. */
export function destinationUrl(connection: {
  config: Record<string, unknown>;
  secrets: Record<string, string>;
}): string {
  const { host, port, database, user, sslMode, sslRootCert } = connectionSchema.parse(connection.config);
  if (sslRootCert !== undefined) {
    throw new TerminalError(
      "config_invalid",
      `postgres: the connection to ${host}/${database} has an sslRootCert, which a destination cannot use yet.`,
      { fix: "Give the server a certificate of a public authority, or set sslMode to require." },
    );
  }
  const login = [user, connection.secrets.password ?? ""].map(encodeURIComponent).join(":");
  const address = host.includes(":") ? `[${host}]` : host;
  return `postgres://${login}@${address}:${port}/${encodeURIComponent(database)}?sslmode=${URL_SSL_MODES[sslMode]}`;
}
