import type { DriveItem, ListItem } from "@microsoft/microsoft-graph-types";
import type { VendorTools } from "../vendor.ts";
import type { Feed } from "./delta.ts";
import { feedItem, presentItem, presentRoot, staleItem, tombstone } from "./present-drive-items.ts";
import { presentListItem, tableOfList } from "./present-lists.ts";
import type { DriveFacts, ListFacts } from "./tenant.ts";
import { ancestorsOf, ITEMS, type StoredItem } from "./tree.ts";

/** https://learn.microsoft.com/graph/api/driveitem-delta */
export function driveFeed(drive: DriveFacts, { apiUrl }: VendorTools): Feed {
  return {
    ...{ table: ITEMS, base: drive.base, url: `${apiUrl}/v1.0/drives/${drive.id}/root/delta` },
    present(store, id) {
      const item = store.find(ITEMS, id) as StoredItem | undefined;
      return item === undefined ? null : feedItem(presentItem(store, item));
    },
    tombstone: (id) => tombstone(drive, id),
    stale: (item) => staleItem(item as DriveItem),
    above(store, id) {
      const item = store.find(ITEMS, id) as StoredItem | undefined;
      if (item === undefined) return [];
      return [presentRoot(store, drive), ...ancestorsOf(store, item).map((each) => feedItem(presentItem(store, each)))];
    },
    top: (store) => [presentRoot(store, drive)],
  };
}

/** https://learn.microsoft.com/graph/api/listitem-delta */
export function listFeed(list: ListFacts, { apiUrl }: VendorTools): Feed {
  const table = tableOfList(list);
  return {
    ...{ table, base: list.base, url: `${apiUrl}/v1.0/sites/${list.site.id}/lists/${list.id}/items/delta` },
    present(store, id, { expand }) {
      const item = store.find(table, id);
      return item === undefined ? null : presentListItem(list, item, expand.get("fields"));
    },
    tombstone: (id) =>
      ({
        ...{ id: String(id - list.base), parentReference: { siteId: list.site.id }, deleted: { state: "deleted" } },
        contentType: { id: "0x0100A7B2", name: "Item" },
      }) satisfies ListItem & { deleted: DriveItem["deleted"] },
    stale: (item) => ({ ...item, lastModifiedDateTime: "2025-12-31T00:00:00Z" }) satisfies ListItem,
    above: () => [],
    top: () => [],
  };
}
