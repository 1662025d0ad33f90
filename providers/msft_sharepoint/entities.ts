import { isOfEntity, TerminalError } from "../../core/errors.ts";
import { mapSideBySide } from "../../core/side-by-side.ts";
import type { FeedTable } from "../lib/feeds/plan-feed.ts";
import { isObject, type JsonObject } from "../lib/http/json.ts";
import type { EntitySchema, KnownNames, NamedColumns } from "../provider.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Graph } from "./graph.ts";
import { LIST_COLUMNS, LIST_CONTENT_TYPES } from "./list-parts.ts";
import { DRIVES, LISTS, SITES } from "./resources.ts";
import type { List, SiteCatalog } from "./site-catalog.ts";
import { SITE_USERS } from "./site-users.ts";
import { DRIVE_PREFIX, driveTable, LIST_PREFIX, listingTable, listTable } from "./tables.ts";

const LISTINGS = [SITES, DRIVES, LISTS, LIST_COLUMNS, LIST_CONTENT_TYPES, SITE_USERS];

/** Lists whose columns are asked for at once. */
const AT_ONCE = 4;

export interface Entities {
  /** @param keys null for all */
  discover(keys: string[] | null, named: KnownNames): Promise<EntitySchema[]>;
  /** @throws TerminalError source_resource_not_found where the site has no such table */
  find(entityKey: string): Promise<FeedTable>;
}

export function createEntities(graph: Graph, catalog: SiteCatalog, config: ConnectionConfig): Entities {
  /** Discovery and plan have to say the same. */
  const found = new Map<string, Promise<FeedTable>>();

  function tableOf(entityKey: string, make: () => Promise<FeedTable>): Promise<FeedTable> {
    const before = found.get(entityKey);
    if (before !== undefined) return before;
    const making = make();
    found.set(entityKey, making);
    making.catch(() => found.delete(entityKey));
    return making;
  }

  async function tableOfList(list: List, named?: NamedColumns): Promise<FeedTable> {
    const definitions = await columnsOf(graph, list);
    return listTable(list, definitions, config, named);
  }

  /** Null where there is none. */
  async function lookUp(entityKey: string, named?: NamedColumns): Promise<FeedTable | null> {
    const listing = LISTINGS.find((each) => each.entityKey === entityKey);
    if (listing !== undefined) {
      // Also a plan finds out whether the site can be read.
      await catalog.sites();
      return listingTable(listing);
    }
    if (entityKey.startsWith(DRIVE_PREFIX)) {
      const drive = (await catalog.drives()).find(({ id }) => id === entityKey.slice(DRIVE_PREFIX.length));
      return drive === undefined ? null : driveTable(drive, config);
    }
    if (!entityKey.startsWith(LIST_PREFIX)) return null;
    const list = (await catalog.lists()).find(({ id }) => id === entityKey.slice(LIST_PREFIX.length));
    return list === undefined ? null : await tableOf(entityKey, () => tableOfList(list, named));
  }

  async function keysOfAll(): Promise<string[]> {
    const [drives, lists] = [await catalog.drives(), await catalog.lists()];
    return [
      ...LISTINGS.map(({ entityKey }) => entityKey),
      ...drives.map(({ id }) => `${DRIVE_PREFIX}${id}`),
      ...lists.map(({ id }) => `${LIST_PREFIX}${id}`),
    ];
  }

  async function describe(entityKey: string, named: NamedColumns | undefined): Promise<EntitySchema[]> {
    try {
      const table = await lookUp(entityKey, named);
      return table === null ? [] : [table.schema];
    } catch (error) {
      // A list may be closed to the app while the others are open.
      if (!isOfEntity(error) || !entityKey.startsWith(LIST_PREFIX) || (await isClosed(catalog))) throw error;
      return [{ ...unreadable(entityKey), failure: error, description: `Cannot be read now: ${error.what}` }];
    }
  }

  return {
    async discover(keys, named) {
      const wanted = keys ?? (await keysOfAll());
      const schemas = await mapSideBySide(wanted, AT_ONCE, (key) => describe(key, named.get(key)));
      return schemas.flat();
    },
    async find(entityKey) {
      const table = await lookUp(entityKey);
      if (table !== null) return table;
      throw new TerminalError("source_resource_not_found", `msft_sharepoint: the site has no ${entityKey}.`, {
        fix: "Check that the drive or list still exists and that the connection offers it, or take the entity out of the sync.",
      });
    },
  };
}

/** The site as a whole, and not one list of it. */
async function isClosed(catalog: SiteCatalog): Promise<boolean> {
  return await catalog.lists().then(
    () => false,
    () => true,
  );
}

function unreadable(entityKey: string): EntitySchema {
  return {
    ...{ entityKey, displayName: entityKey, description: "", columns: [], primaryKeyColumns: [], cursorFields: [] },
    ...{ loadMode: "upsert", dependsOn: [], slicing: { by: "none" }, sizeClass: "m", estimatedRows: null },
    changeFeed: true,
  };
}

/** https://learn.microsoft.com/graph/api/list-list-columns */
async function columnsOf(graph: Graph, { id, siteId, displayName }: List): Promise<JsonObject[]> {
  const columns = await graph.all({
    doing: `columns of the list ${displayName}`,
    ...{ cost: "items", url: `sites/${siteId}/lists/${encodeURIComponent(id)}/columns` },
  });
  return columns.filter(isObject);
}
