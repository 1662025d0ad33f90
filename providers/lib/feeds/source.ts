import type { ColumnChoice } from "../../../core/column-choice.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { EntitySchema, KnownNames } from "../../provider.ts";
import type { TableSource } from "../route-tables.ts";
import type { FeedReader } from "./feed.ts";
import { type FeedTable, planFeed } from "./plan-feed.ts";
import { readFeed } from "./read-feed.ts";

export interface FeedSourceOptions {
  provider: ProviderKey;
  tables: FeedTables;
  reader: FeedReader;
  /** Which columns the sync reads, by entityKey; absent: all. */
  choiceOf(entityKey: string): ColumnChoice | undefined;
  /** The connector's: nothing is read once it is aborted. */
  signal: AbortSignal;
}

/** The tables that feeds and listings make. Discovery and plan have to be told the same. */
export interface FeedTables {
  /** @param keys null for all; those that do not exist are absent from the answer */
  discover(keys: string[] | null, named: KnownNames): Promise<EntitySchema[]>;
  /** @throws TerminalError where there is no such table */
  find(entityKey: string): Promise<FeedTable>;
}

/** Tables that are read from change feeds. For one activity, as any source. */
export function createFeedSource({ provider, tables, reader, choiceOf, signal }: FeedSourceOptions): TableSource {
  return {
    discover: (keys, _known, named = new Map()) => tables.discover(keys, named),
    plan: async (request) =>
      planFeed(provider, await tables.find(request.entityKey), request, choiceOf(request.entityKey)),
    read: (request) => readFeed(provider, reader, request, signal),
  };
}
