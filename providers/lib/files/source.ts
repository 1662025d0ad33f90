import type { TableSource } from "../route-tables.ts";
import type { FileResource } from "./config.ts";
import { LISTING_KEY } from "./config.ts";
import { discoverFiles } from "./discover.ts";
import type { FileEngine } from "./engine.ts";
import { listOnce } from "./list-once.ts";
import { planListing, readListing } from "./listing.ts";
import { planFiles } from "./plan.ts";
import { readFiles } from "./read.ts";
import { type CompiledResource, compileResource } from "./resource.ts";
import type { FileStore } from "./store.ts";

export interface FileSourceOptions {
  /** Begins every message: the provider and what the files lie in, such as `s3: bucket invoices`. */
  place: string;
  store: FileStore;
  /** `files` of the sync's config: each is a table. */
  files: readonly FileResource[];
  /** Where a table does not say. Seconds; 0 where a file appears only once it is whole. */
  minAgeSeconds: number;
  /** The connector's: nothing is read once it is aborted. */
  signal: AbortSignal;
}

/** The tables that are made of files, and the listing. */
export interface FileSource extends TableSource {
  entityKeys: ReadonlySet<string>;
}

/** For one activity, as any source. */
export function createFileSource(options: FileSourceOptions): FileSource {
  const { place, signal, files, minAgeSeconds } = options;
  const { store, look } = listOnce(options.store);
  const configs = new Map(files.map((config) => [config.name, config]));
  const compiled = new Map<string, CompiledResource>();
  const engine: FileEngine = {
    ...{ place, store, look, signal, shapes: new Map(), entityKeys: [...configs.keys()] },
    resource(entityKey) {
      const config = configs.get(entityKey);
      const resource = compiled.get(entityKey) ?? (config && compileResource(config, minAgeSeconds));
      if (resource !== undefined) compiled.set(entityKey, resource);
      return resource;
    },
  };
  return {
    entityKeys: new Set([LISTING_KEY, ...configs.keys()]),
    discover: (keys, known = new Map(), named = new Map()) => discoverFiles(engine, keys, known, named),
    plan: async (request) => (request.entityKey === LISTING_KEY ? planListing(request) : planFiles(engine, request)),
    read: (request) =>
      request.spec.entityKey === LISTING_KEY ? readListing(store, request) : readFiles(engine, request),
  };
}
