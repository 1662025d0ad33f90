import { createHttpClient, type HttpClient } from "../lib/http/client.ts";
import type { ConnectOptions, Source } from "../provider.ts";
import { createAuthenticator } from "./auth.ts";
import { checkApi } from "./check.ts";
import type { ConnectionConfig } from "./config/connection.ts";
import type { SourceConfig } from "./config/source-config.ts";
import { discoverEntities } from "./discover.ts";
import { planEntity } from "./plan.ts";
import { readSlice } from "./read.ts";
import { createResources } from "./resources.ts";
import { createShapes } from "./shapes.ts";

export function createSource(options: ConnectOptions<ConnectionConfig, SourceConfig>): Source {
  const { config } = options;
  const client = createClient(options);
  const resources = createResources(config, options.sourceConfig);
  const source = { client, resources, shapes: createShapes({ client, resources }) };
  return {
    check: () => checkApi(source, config),
    discover: (entityKeys, known = new Map()) => discoverEntities(source, entityKeys, known),
    plan: (request) => planEntity(source, request),
    read: (request) => readSlice(source, request),
    probe: async () => client.isMoving(),
    close: () => client.close(),
  };
}

function createClient(options: ConnectOptions<ConnectionConfig, SourceConfig>): HttpClient {
  const { config, secrets, shared, egress, signal } = options;
  const { baseUrl, headers, auth, timeoutMs, maxBodyBytes, rateLimit, retry, allowedHosts, tlsRootCert } = config;
  return createHttpClient({
    ...{ provider: "http_api", baseUrl, headers, timeoutMs, maxBodyBytes, allowedHosts, shared, egress, signal },
    auth: createAuthenticator(auth, secrets, baseUrl),
    limit: rateLimit === undefined ? null : { bucket: new URL(baseUrl).host, ...rateLimit },
    ...(retry === undefined ? {} : { retry }),
    ...(tlsRootCert === undefined ? {} : { tlsRootCert }),
  });
}
