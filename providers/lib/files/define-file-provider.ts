import { z } from "zod";
import { type ConnectOptions, defineProvider, type Provider, type Source } from "../../provider.ts";
import { type FileResource, fileTablesSchema } from "./config.ts";
import { LISTING_RESOURCE } from "./listing-resource.ts";
import type { FileStore } from "./store.ts";

/** What a sync of such a connector says. */
export type FileSourceConfig = { files: FileResource[] };

/** A connector whose tables are made of files, and of nothing else. */
export interface FileDeclaration<Config>
  extends Omit<
    Provider<Config, FileSourceConfig>,
    "connect" | "dynamicResources" | "resources" | "sourceConfigSchema"
  > {
  /** Its code is loaded by a dynamic import in here. */
  connect(options: ConnectOptions<Config, FileSourceConfig>): Promise<ConnectedStore>;
}

export interface ConnectedStore extends Pick<Source, "check" | "probe" | "close"> {
  /** What the files lie in, for messages: `bucket invoices`. */
  place: string;
  store: FileStore;
  /** Files that are younger wait for the next run, where their table does not say otherwise. Seconds; 0 where a file appears only once it is whole. */
  minAgeSeconds: number;
}

/** Discovery, plans and reading are the file engine's: a connector gives a store. Nothing that connects is loaded before the first `connect`. */
export function defineFileProvider<Config>(declaration: FileDeclaration<Config>): Provider<Config, FileSourceConfig> {
  const { connect, ...rest } = declaration;
  return defineProvider<Config, FileSourceConfig>({
    ...rest,
    sourceConfigSchema: z.strictObject({ files: fileTablesSchema([]) }),
    dynamicResources: true,
    resources: [LISTING_RESOURCE],
    connect: async (options) => {
      const { createFileSource } = await import("./source.ts");
      const { place, store, minAgeSeconds, check, probe, close } = await connect(options);
      const { signal, sourceConfig } = options;
      const { discover, plan, read } = createFileSource({
        ...{ place: `${rest.key}: ${place}`, store, files: sourceConfig.files, minAgeSeconds, signal },
      });
      return { check, discover, plan, read, probe, close };
    },
  });
}
