import { oneBucket } from "../lib/http/admission.ts";
import { createHttpClient, type HttpClient } from "../lib/http/client.ts";
import { createRestSource } from "../lib/rest/source.ts";
import type { ConnectOptions, Source } from "../provider.ts";
import { createAuthenticator } from "./auth.ts";
import type { ConnectionConfig } from "./config/connection.ts";
import type { SourceConfig } from "./config/source-config.ts";
import { settleResources } from "./resources.ts";

export function createSource(options: ConnectOptions<ConnectionConfig, SourceConfig>): Source {
  const { config, sourceConfig } = options;
  const resources = settleResources(config, sourceConfig);
  return createRestSource({ client: createClient(options), resources, checkPath: config.checkPath });
}

function createClient(options: ConnectOptions<ConnectionConfig, SourceConfig>): HttpClient {
  const { config, secrets, redactor, shared, egress, signal } = options;
  const { baseUrl, headers, auth, timeoutMs, maxBodyBytes, rateLimit, retry, allowedHosts, tlsRootCert } = config;
  return createHttpClient({
    ...{
      provider: "http_api",
      baseUrl,
      headers,
      timeoutMs,
      maxBodyBytes,
      allowedHosts,
      redactor,
      shared,
      egress,
      signal,
    },
    auth: createAuthenticator(auth, secrets, baseUrl),
    limit: rateLimit === undefined ? null : oneBucket({ bucket: new URL(baseUrl).host, ...rateLimit }),
    ...(retry === undefined ? {} : { retry }),
    ...(tlsRootCert === undefined ? {} : { tlsRootCert }),
  });
}
