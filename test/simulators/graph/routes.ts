import type { Stored } from "../store.ts";
import type { VendorAnswer, VendorRequest, VendorTools } from "../vendor.ts";
import { mayFindSites, mayRead } from "./access.ts";
import { answerDelta, type Feed, refuseToken } from "./delta.ts";
import { downloadUrl } from "./downloads.ts";
import { badRequest, denied, graphError, locked, notFound } from "./errors.ts";
import { driveFeed, listFeed } from "./feeds.ts";
import type { GraphState } from "./graph-state.ts";
import { type AllowedOptions, project, type QueryOptions, readOptions } from "./options.ts";
import { DRIVE_ITEM_PROPERTIES, presentItem, presentRoot, storedIdOf } from "./present-drive-items.ts";
import * as lists from "./present-lists.ts";
import { DRIVES, type DriveFacts, HOST, LISTS, type ListFacts, ROOT_SITE, SITES, type SiteFacts } from "./tenant.ts";
import { childrenOf, ITEMS, resolvePath, type StoredItem } from "./tree.ts";

/** A request whose token is good, on its way to what it asks for. */
interface Asked {
  request: VendorRequest;
  tools: VendorTools;
  state: GraphState;
}

/** Most items of a page that a request may ask for. */
const MOST_TOP = 5_000;
const DEFAULT_PAGE = 200;
const COLLECTION = ["select", "expand", "top", "skiptoken"] as const;
const ONE = ["select", "expand"] as const;

/** What lies below `/v1.0`. Anything else is answered as Graph answers an address that it does not know. */
export function answerGraph(asked: Asked): VendorAnswer {
  const path = decodeURIComponent(asked.request.path.replace(/^\/v1\.0\/?/, ""));
  if (asked.request.method !== "GET") return graphError(405, "notAllowed", "The method is not allowed here.");
  const bySite = /^sites(?:\/(.*))?$/s.exec(path);
  if (bySite !== null) return answerSites(asked, bySite[1] ?? "");
  const [, driveId, below = ""] = /^drives\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  if (driveId !== undefined)
    return answerDrive(
      asked,
      DRIVES.find(({ id }) => id === driveId),
      below,
    );
  return badRequest(`Resource not found for the segment '${path.split("/")[0]}'.`);
}

function answerSites(asked: Asked, path: string): VendorAnswer {
  const { state, tools } = asked;
  if (path === "" || path === "getAllSites") {
    if (!mayFindSites(state.access, tools)) return denied();
    return listSites(asked, path === "" ? "search" : "all");
  }
  // By its address, `contoso.sharepoint.com:/sites/finance`, which a colon ends where something follows.
  const [, host, address = "", after = ""] = /^([^/:]+):\/([^:]*)(?::(?:\/(.*))?)?$/s.exec(path) ?? [];
  if (host !== undefined) {
    const found = SITES.find(
      (each) => host === HOST && each.path.toLowerCase() === address.replace(/\/$/, "").toLowerCase(),
    );
    return answerSite(asked, found, after);
  }
  const [, id = "", below = ""] = /^([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  const isRoot = id === "root" || id === HOST;
  return answerSite(
    asked,
    isRoot ? ROOT_SITE : SITES.find((each) => each.id.toLowerCase() === id.toLowerCase()),
    below,
  );
}

function answerSite(asked: Asked, site: SiteFacts | undefined, below: string): VendorAnswer {
  if (site === undefined) return notFound();
  const { state, tools } = asked;
  const drives = DRIVES.filter((each) => each.site === site);
  const [, own = ""] = /^drive(?:\/(.*))?$/s.exec(below) ?? [];
  if (/^drive(\/|$)/.test(below)) return answerDrive(asked, drives[0], own);
  if (below === "drives") {
    if (!mayRead(site, "drive", state.access, tools)) return denied();
    return listed(asked, drives.map(lists.presentDrive), { options: COLLECTION, properties: lists.DRIVE_PROPERTIES });
  }
  if (!mayRead(site, "site", state.access, tools)) return denied();
  if (below === "") return one(asked, lists.presentSite(site), lists.SITE_PROPERTIES);
  if (below === "sites") return listed(asked, [], { options: COLLECTION, properties: lists.SITE_PROPERTIES });
  if (below === "lists") return listLists(asked, site);
  const [, named, rest = ""] = /^lists\/([^/]+)(?:\/(.*))?$/s.exec(below) ?? [];
  const list = LISTS.find((each) => each.site === site && [each.id, each.displayName].includes(named ?? ""));
  if (named === undefined) return badRequest(`Resource not found for the segment '${below.split("/")[0]}'.`);
  return list === undefined ? notFound() : answerList(asked, list, rest);
}

function listSites(asked: Asked, by: "search" | "all"): VendorAnswer {
  const options = by === "search" ? (["search", ...COLLECTION] as const) : COLLECTION;
  const text = asked.request.query.get("search") ?? asked.request.query.get("$search");
  if (by === "search" && text === null) return badRequest("Listing sites needs the query parameter 'search'.");
  const wanted = (text ?? "*").toLowerCase();
  const found = SITES.filter(({ displayName }) => wanted === "*" || displayName.toLowerCase().includes(wanted));
  return listed(asked, found.map(lists.presentSite), { options, properties: lists.SITE_PROPERTIES });
}

function listLists(asked: Asked, site: SiteFacts): VendorAnswer {
  const allowed = { options: COLLECTION, properties: lists.LIST_PROPERTIES, expands: ["columns"] };
  const options = readOptions(asked.request, allowed);
  if (typeof options === "string") return badRequest(options);
  const shown = LISTS.filter((list) => list.site === site && (!list.isSystem || options.select?.includes("system")));
  const value = shown.map((list) =>
    options.expand.has("columns") ? { ...lists.presentList(list), columns: list.columns } : lists.presentList(list),
  );
  return listed(asked, value, allowed);
}

function answerList(asked: Asked, list: ListFacts, below: string): VendorAnswer {
  const { store } = asked.tools;
  if (below === "") return one(asked, lists.presentList(list), lists.LIST_PROPERTIES);
  if (below === "columns") {
    const properties = [...new Set(list.columns.flatMap((column) => Object.keys(column)))];
    return listed(asked, list.columns, { options: COLLECTION, properties });
  }
  if (below === "contentTypes")
    return listed(asked, [lists.CONTENT_TYPE], { options: COLLECTION, properties: Object.keys(lists.CONTENT_TYPE) });
  if (below === "drive") return list.drive === undefined ? notFound() : answerDrive(asked, list.drive, "");
  const allowed = { properties: lists.LIST_ITEM_PROPERTIES, expands: ["fields"] };
  const options = readOptions(asked.request, { ...allowed, options: [...COLLECTION, "token"] });
  const wrong = typeof options === "string" ? options : lists.wrongFields(list, options.expand.get("fields") ?? []);
  if (wrong !== null) return badRequest(wrong);
  const fields = (options as QueryOptions).expand.get("fields");
  const present = (item: Stored) => lists.presentListItem(list, item, fields);
  const delta = /^items\/(?:microsoft\.graph\.)?delta(?:\(token='([^']*)'\)|\(\))?$/.exec(below);
  if (delta !== null) return follow(asked, listFeed(list, asked.tools), delta[1], allowed);
  if (below === "items")
    return listed(asked, lists.itemsOfList(store, list).map(present), { ...allowed, options: COLLECTION });
  const item = lists.itemsOfList(store, list).find(({ id }) => `items/${id - list.base}` === below);
  return item === undefined ? notFound() : one(asked, present(item), lists.LIST_ITEM_PROPERTIES, ["fields"]);
}

function answerDrive(asked: Asked, drive: DriveFacts | undefined, below: string): VendorAnswer {
  const { state, tools } = asked;
  if (drive === undefined || state.goneDrives.has(drive.id)) return notFound();
  if (!mayRead(drive.site, "drive", state.access, tools)) return denied();
  if (below === "") return one(asked, lists.presentDrive(drive), lists.DRIVE_PROPERTIES);
  const delta = /^root\/(?:microsoft\.graph\.)?delta(?:\(token='([^']*)'\)|\(\))?$/.exec(below);
  if (delta !== null) return follow(asked, driveFeed(drive, tools), delta[1], { properties: DRIVE_ITEM_PROPERTIES });
  const byId = /^(?:items\/([^/:]+)|root)(?:\/(.*))?$/s.exec(below);
  if (byId !== null) {
    const id = byId[1] === undefined || byId[1] === "root" ? 0 : storedIdOf(tools.store, drive, byId[1]);
    return id === null ? notFound() : answerItem(asked, drive, id, byId[2] ?? "");
  }
  const byPath = /^root:\/([^:]*)(?::(?:\/(.*))?)?$/s.exec(below);
  if (byPath === null) return badRequest(`Resource not found for the segment '${below.split("/")[0]}'.`);
  const found = resolvePath(tools.store, drive, byPath[1] ?? "");
  if (found === null) return notFound();
  return answerItem(asked, drive, found === 0 ? 0 : found.id, byPath[2] ?? "");
}

function answerItem(asked: Asked, drive: DriveFacts, id: number, below: string): VendorAnswer {
  const { tools, state, request } = asked;
  const item = id === 0 ? null : (tools.store.find(ITEMS, id) as StoredItem);
  const withAddress = (each: StoredItem) => ({
    ...presentItem(tools.store, each),
    ...(each.kind === "file" ? { "@microsoft.graph.downloadUrl": downloadUrl(each, tools, state.download) } : {}),
  });
  if (below === "children") {
    if (item?.kind === "file") return listed(asked, [], { options: COLLECTION, properties: DRIVE_ITEM_PROPERTIES });
    const children = childrenOf(tools.store, drive, id).map(withAddress);
    return listed(asked, children, { options: COLLECTION, properties: DRIVE_ITEM_PROPERTIES });
  }
  const shown = item === null ? presentRoot(tools.store, drive) : withAddress(item);
  const isKnown = [shown.eTag, shown.cTag].some((tag) => tag != null && tag === request.headers["if-none-match"]);
  if (isKnown) return { status: 304 };
  if (below === "") return one(asked, shown, DRIVE_ITEM_PROPERTIES);
  if (below !== "content") return badRequest(`Resource not found for the segment '${below}'.`);
  if (item === null || item.kind !== "file") return graphError(404, "itemNotFound", "The item has no content.");
  if (state.locks.has(id)) return locked();
  if (item.malware === true) return graphError(422, "malwareDetected", "Malware was detected in the requested item.");
  return { status: 302, headers: { location: downloadUrl(item, tools, state.download) }, body: "" };
}

function follow(
  { request, tools, state }: Asked,
  feed: Feed,
  inPath: string | undefined,
  allowed: Omit<AllowedOptions, "options">,
): VendorAnswer {
  const options = readOptions(request, { ...allowed, options: ["select", "expand", "top", "token"] });
  if (typeof options === "string") return badRequest(options);
  const token = inPath ?? options.token;
  const own = { ...options, token };
  const excludesParents = request.headers.deltaexcludeparent !== undefined;
  const { quirks, pageLimit, resyncs } = state;
  const asked = { options: own, excludesParents, quirks, pageLimit, resyncs };
  const answer = answerDelta(feed, asked, tools);
  if (answer !== null) return answer;
  state.resyncs += 1;
  return refuseToken(feed, asked, tools);
}

/** A page of a collection, in an order of its own, that is counted: what comes or goes meanwhile moves the pages. */
function listed({ request, tools, state }: Asked, all: readonly object[], allowed: AllowedOptions): VendorAnswer {
  const options = readOptions(request, allowed);
  if (typeof options === "string") return badRequest(options);
  const from = options.skipToken === null ? 0 : Number(Buffer.from(options.skipToken, "base64url").toString());
  if (!Number.isSafeInteger(from)) return badRequest("The value of $skiptoken is not valid.");
  const size = Math.min(options.top ?? DEFAULT_PAGE, state.pageLimit, MOST_TOP);
  const expanded = options.select === null ? null : [...options.select, ...options.expand.keys()];
  const value = all.slice(from, from + size).map((each) => project(each, expanded));
  if (from + size >= all.length) return { status: 200, body: { value } };
  const next = new URL(`${tools.apiUrl}${request.path}`);
  for (const [name, text] of request.query) if (!/^\$?skiptoken$/i.test(name)) next.searchParams.append(name, text);
  next.searchParams.set("$skiptoken", Buffer.from(String(from + size)).toString("base64url"));
  return { status: 200, body: { value, "@odata.nextLink": next.href } };
}

function one(
  { request }: Asked,
  resource: object,
  properties: readonly string[],
  expands: readonly string[] = [],
): VendorAnswer {
  const options = readOptions(request, { options: ONE, properties, expands });
  if (typeof options === "string") return badRequest(options);
  const named = options.select === null ? null : [...options.select, ...options.expand.keys()];
  return { status: 200, body: project(resource, named) };
}
