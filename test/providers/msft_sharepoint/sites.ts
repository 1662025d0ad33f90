import type { DriveItem } from "@microsoft/microsoft-graph-types";
import { digestOf } from "../../../providers/lib/rest/loop-guard.ts";
import { msftSharepoint } from "../../../providers/msft_sharepoint/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { createGraph, type GraphOptions, type SimulatedGraph } from "../../simulators/graph/graph.ts";
import { feedItem, graphIdOf, presentItem, presentRoot } from "../../simulators/graph/present-drive-items.ts";
import { itemsOfList, presentListItem } from "../../simulators/graph/present-lists.ts";
import { quickXorHash } from "../../simulators/graph/quick-xor-hash.ts";
import {
  CLIENT_ID,
  CLIENT_SECRET,
  DOCUMENTS,
  type DriveFacts,
  type ListFacts,
  TENANT_ID,
  TICKETS,
  USER,
} from "../../simulators/graph/tenant.ts";
import { contentOf, itemsOf, type StoredItem } from "../../simulators/graph/tree.ts";
import { createSimulator, type Simulator } from "../../simulators/simulator.ts";
import type { Store, Stored } from "../../simulators/store.ts";

/** The connector against the simulated Graph: where it is, and what its tables should hold, told by the store itself. */

export const provider = msftSharepoint as unknown as Provider;
export const DRIVE_ENTITY = `drive_items:${DOCUMENTS.id}`;
export const LIST_ENTITY = `list_items:${TICKETS.id}`;
export const SECRETS = { clientSecret: CLIENT_SECRET };

export interface SimulatedSites {
  simulator: Simulator;
  graph: SimulatedGraph;
  config: Record<string, unknown>;
}

export async function createSites(options: GraphOptions = {}, { seed = 1 } = {}): Promise<SimulatedSites> {
  const graph = createGraph(options);
  const simulator = await createSimulator([graph.vendor], { seed });
  return { simulator, graph, config: configOf(simulator.baseUrl("graph")) };
}

export function configOf(apiUrl: string): Record<string, unknown> {
  return {
    ...{ tenantId: TENANT_ID, clientId: CLIENT_ID, siteUrl: "https://contoso.sharepoint.com/sites/finance" },
    ...{ graphUrl: apiUrl, loginUrl: apiUrl, resourceUnitsPerMinute: 100_000 },
  };
}

/** What the vendor counts against the app. */
export function countedBy({ requests }: Simulator): number {
  return requests.filter(({ path, to }) => to === "api" && !path.endsWith("/oauth2/v2.0/token")).length;
}

export const DRIVE_ITEM_COLUMNS = columns({
  ...{ id: "text", drive_id: "text", parent_id: "text", name: "text", kind: "text", size_bytes: "bigint" },
  ...{ web_url: "text", description: "text", created_at: "timestamptz", modified_at: "timestamptz" },
  ...{ file_created_at: "timestamptz", file_modified_at: "timestamptz", ...people() },
  ...{ mime_type: "text", quick_xor_hash: "text", child_count: "bigint", package_type: "text", malware: "text" },
  ...{ shared_scope: "text", etag: "text", ctag: "text", _unmapped: "jsonb" },
});

export function driveRows(store: Store, drive: DriveFacts = DOCUMENTS): Record<string, unknown>[] {
  const items = itemsOf(store, drive).map((item) => feedItem(presentItem(store, item)));
  // A facet that no column shows is kept.
  const root = { ...driveRow(presentRoot(store, drive), drive), _unmapped: { root: {} } };
  return [root, ...items.map((item) => driveRow(item, drive))];
}

function driveRow(item: DriveItem, drive: DriveFacts): Record<string, unknown> {
  const kinds = ["root", "package", "folder", "file"] as const;
  return {
    ...{ id: item.id, drive_id: drive.id, parent_id: item.parentReference?.id, name: item.name, etag: item.eTag },
    kind: kinds.find((kind) => item[kind] != null),
    ...{ size_bytes: item.size, web_url: item.webUrl, ...times(item), mime_type: item.file?.mimeType },
    file_created_at: item.fileSystemInfo?.createdDateTime,
    file_modified_at: item.fileSystemInfo?.lastModifiedDateTime,
    ...(item.createdBy == null ? {} : WHO),
    ...{ quick_xor_hash: item.file?.hashes?.quickXorHash, child_count: item.folder?.childCount },
    ...{ package_type: item.package?.type, malware: item.malware?.description },
  };
}

export const TICKET_ITEM_COLUMNS = columns({
  ...{ id: "text", list_id: "text", parent_id: "text", web_url: "text" },
  ...{ created_at: "timestamptz", modified_at: "timestamptz", ...people() },
  ...{ content_type_id: "text", content_type: "text", etag: "text" },
  ...{ title: "text", quantity: "numeric", price: "numeric", done: "boolean", due_date: "timestamptz" },
  ...{ opened: "timestamptz", status: "text", tags: "jsonb", notes: "text", link: "jsonb" },
  ...{ customer_lookup_id: "text", assignee_lookup_id: "text", watchers: "jsonb", total: "numeric" },
  ...{ author_lookup_id: "text", uiversion_string: "text", attachments: "boolean", _unmapped: "jsonb" },
});

export function ticketRows(store: Store): Record<string, unknown>[] {
  return itemsOfList(store, TICKETS).map((item) => ticketRow(item, TICKETS));
}

function ticketRow(stored: Stored, list: ListFacts): Record<string, unknown> {
  const item = presentListItem(list, stored);
  const fields = stored.fields as Record<string, unknown>;
  return {
    ...{
      id: item.id,
      list_id: list.id,
      parent_id: item.parentReference?.id,
      web_url: item.webUrl,
      ...times(item),
      ...WHO,
    },
    ...{ content_type_id: item.contentType?.id, content_type: item.contentType?.name, etag: item.eTag },
    ...{ title: fields.Title, quantity: fields.Quantity, price: fields.Price, done: fields.Done, notes: fields.Notes },
    ...{ due_date: fields.Due_x0020_Date, opened: fields.Opened, status: fields.Status, tags: fields.Tags },
    ...{ link: fields.Link, customer_lookup_id: fields.CustomerLookupId, assignee_lookup_id: fields.AssigneeLookupId },
    ...{ watchers: fields.Watchers, total: fields.Total, author_lookup_id: "6", attachments: false },
    uiversion_string: `${Number(stored.revision ?? 1)}.0`,
  };
}

/** What the table of a file's rows says of the file. The version is that of the content. */
export function fileColumns(drive: DriveFacts, item: StoredItem, path: string): Record<string, unknown> {
  const content = contentOf(item);
  const place = digestOf(`${drive.name}/${path}`);
  return {
    ...{ _file_id: `${drive.id}/${graphIdOf(drive, item.id)}`, _file_path: `${drive.name}/${path}` },
    _file_version: `hash ${quickXorHash(content)} ${content.length} at ${place}`,
    _file_modified_at: item.updated_at,
  };
}

const WHO = {
  ...{ created_by_id: USER.id, created_by_name: "Ada Lopez", created_by_email: "ada@contoso.com" },
  ...{ modified_by_id: USER.id, modified_by_name: "Ada Lopez", modified_by_email: "ada@contoso.com" },
};

function times({ createdDateTime: created_at, lastModifiedDateTime: modified_at }: DriveItem) {
  return { created_at, modified_at };
}

function people(): Record<string, string> {
  const parts = ["id", "name", "email", "app"];
  return Object.fromEntries(
    ["created_by", "modified_by"].flatMap((who) => parts.map((part) => [`${who}_${part}`, "text"])),
  );
}

function columns(types: Record<string, string>): { name: string; type: string }[] {
  return Object.entries(types).map(([name, type]) => ({ name, type }));
}
