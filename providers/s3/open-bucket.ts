import type { ConnectedStore, FileSourceConfig } from "../lib/files/define-file-provider.ts";
import type { ConnectOptions } from "../provider.ts";
import { checkBucket } from "./check.ts";
import { createS3Connection } from "./client.ts";
import type { ConnectionConfig } from "./config.ts";
import { createS3Store } from "./store.ts";

export function openBucket(options: ConnectOptions<ConnectionConfig, FileSourceConfig>): ConnectedStore {
  const { config, sourceConfig } = options;
  const connection = createS3Connection(options);
  const store = createS3Store(connection, config);
  return {
    ...{ place: `bucket ${config.bucket}`, store },
    // An object is there once it is whole.
    minAgeSeconds: 0,
    check: () => checkBucket({ connection, store, config, files: sourceConfig.files }),
    probe: async () => connection.look(),
    close: connection.close,
  };
}
