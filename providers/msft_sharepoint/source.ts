import { z } from "zod";
import type { FeedOf, FeedPage, FeedReader, FeedRecord } from "../lib/feeds/feed.ts";
import { createFeedSource } from "../lib/feeds/source.ts";
import { createFileSource } from "../lib/files/source.ts";
import type { JsonObject } from "../lib/http/json.ts";
import { routeTables } from "../lib/route-tables.ts";
import { tellUsers } from "../lib/tell-users.ts";
import type { ConnectOptions, Source } from "../provider.ts";
import { checkSite } from "./check.ts";
import type { ConnectionConfig, SourceConfig } from "./config.ts";
import { createEntities } from "./entities.ts";
import { createFileStore } from "./file-store.ts";
import { createGraph, type Graph } from "./graph.ts";
import { readListParts } from "./list-parts.ts";
import { driveItemOf, listItemOf, toMicroseconds, withoutAnnotations } from "./records.ts";
import { createSiteCatalog, type SiteCatalog } from "./site-catalog.ts";
import { readSiteUsers } from "./site-users.ts";

const PROVIDER = "msft_sharepoint";

export function createSource(options: ConnectOptions<ConnectionConfig, SourceConfig>): Source {
  const { config, sourceConfig, signal } = options;
  const graph = createGraph(options);
  const catalog = createSiteCatalog(graph, config);
  const feeds = createFeedSource({
    ...{ provider: PROVIDER, tables: createEntities(graph, catalog, config), signal },
    reader: createReader(graph, catalog, config),
    choiceOf: (entityKey) => sourceConfig.resources?.[entityKey],
  });
  const files = createFileSource({
    ...{ place: `${PROVIDER}: the drives of the site`, store: createFileStore(graph, catalog), signal },
    // A file is in the drive once its upload is whole.
    files: sourceConfig.files.map((file) => ({ ...file, ...sourceConfig.resources?.[file.name] })),
    minAgeSeconds: 0,
  });
  const source: Source = {
    ...routeTables(files, (entityKey) => files.entityKeys.has(entityKey), feeds),
    check: () => checkSite({ graph, catalog, config }),
    plansAtOnce: 4,
    probe: async () => graph.client.look(),
    close: () => graph.client.close(),
  };
  return tellUsers(source, graph.latestAnswer);
}

/** What the pages of an entity hold. */
const ownSchema = z.object({
  driveId: z.string().optional(),
  listId: z.string().optional(),
  leftOut: z.array(z.string()).default([]),
});

function createReader(graph: Graph, catalog: SiteCatalog, { pageSize }: ConnectionConfig): FeedReader {
  async function readChanges(at: string, { entityKey, shape, own }: FeedOf): Promise<FeedPage> {
    const { driveId, listId = "", leftOut } = ownSchema.parse(own);
    // A link of Graph's carries the token; the first address of all is without one.
    const cost = URL.canParse(at) ? "delta" : "enumeration";
    const page = await graph.page({ doing: `changes of ${entityKey}`, cost, url: at });
    const known = new Map(shape.fields.map(({ path, type }) => [path.replace(/^fields\./, ""), type]));
    const ofList = { listId, leftOut: new Set(leftOut), known };
    const records = page.items.map((item) =>
      driveId === undefined ? listItemOf(item, ofList) : driveItemOf(item, driveId),
    );
    const { nextLink, deltaLink, bytes } = page;
    if (nextLink !== null) return { records, next: nextLink, bytes };
    // An end without a link to go on from is refused by whoever commits it.
    return { records, next: null, bytes, ...(deltaLink === null ? {} : { token: deltaLink }) };
  }

  return {
    async page(at, of, warn) {
      const find = LISTINGS[at];
      if (find === undefined)
        return (
          (await readListParts(graph, catalog, { at, warn })) ??
          (await readSiteUsers(graph, catalog, { at, pageSize, warn })) ??
          (await readChanges(at, of))
        );
      const found = await find(catalog);
      for (const sentence of catalog.leftOut()) await warn(sentence);
      return {
        records: found.map(({ record }): FeedRecord => ({ record: toMicroseconds(withoutAnnotations(record)) })),
        next: null,
        bytes: 0,
      };
    },
  };
}

/** By the position at which they begin: what a site has fits into one batch. */
const LISTINGS: Record<string, (catalog: SiteCatalog) => Promise<{ record: JsonObject }[]>> = {
  sites: ({ sites }) => sites(),
  drives: ({ drives }) => drives(),
  lists: ({ lists }) => lists(),
};
