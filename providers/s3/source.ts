import { createFileSource } from "../lib/files/source.ts";
import type { ConnectOptions, Source } from "../provider.ts";
import { checkBucket } from "./check.ts";
import { createS3Connection } from "./client.ts";
import type { ConnectionConfig, SourceConfig } from "./config.ts";
import { createS3Store } from "./store.ts";

export function createSource(options: ConnectOptions<ConnectionConfig, SourceConfig>): Source {
  const { config, sourceConfig, signal } = options;
  const connection = createS3Connection(options);
  const store = createS3Store(connection, config);
  const { files } = sourceConfig;
  return {
    ...createFileSource({
      ...{ place: `s3: bucket ${config.bucket}`, store, files, signal },
      // An object is there once it is whole.
      minAgeSeconds: 0,
    }),
    check: () => checkBucket({ connection, store, config, files }),
    probe: async () => connection.look(),
    close: connection.close,
  };
}
