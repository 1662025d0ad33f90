import type { ConnectionOptions } from "@temporalio/client";
import { loadClientConnectConfig } from "@temporalio/envconfig";

/** How a server of Temporal is reached, by the API's client as by the worker. */
export interface TemporalOptions extends Pick<ConnectionOptions, "tls"> {
  address: string;
  namespace: string;
  apiKey?: string | undefined;
}

/**
 * From Temporal's own environment variables, which were checked before; its configuration file is left aside, so that a
 * process depends on nothing but its environment. An API key and every TLS setting turn TLS on.
 */
export function readTemporalOptions(variables: Record<string, string>): TemporalOptions {
  const { connectionOptions, namespace } = loadClientConnectConfig({ disableFile: true, overrideEnvVars: variables });
  return {
    address: connectionOptions.address ?? "127.0.0.1:7233",
    namespace: namespace ?? "default",
    apiKey: connectionOptions.apiKey,
    tls: connectionOptions.tls ?? null,
  };
}

/** For `Connection` and `NativeConnection` alike. */
export function connectionOptionsOf({ address, tls, apiKey }: TemporalOptions) {
  return { address, tls: tls ?? null, ...(apiKey === undefined ? {} : { apiKey }) };
}
