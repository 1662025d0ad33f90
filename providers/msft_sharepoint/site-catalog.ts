import type { JsonObject } from "../lib/http/json.ts";
import { once } from "../lib/once.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Graph, GraphRequest } from "./graph.ts";
import { isGoneFromSource, whyLeftOut } from "./graph-errors.ts";

/** What the connection's site has. Each is asked for once. */
export interface SiteCatalog {
  /** The connection's own first. @throws ProviderError */
  sites(): Promise<Site[]>;
  /** Those that the connection offers. @throws ProviderError */
  drives(): Promise<Drive[]>;
  lists(): Promise<List[]>;
  /** Names in the config that no drive or list has. */
  unknown(): Promise<{ drives: string[]; lists: string[] }>;
  /** Sentences about sites below the connection's own that could not be read, of what was asked so far. */
  leftOut(): string[];
  /** As `drives`, for whoever takes what is not listed as gone. @throws TerminalError source_permission_denied where a site's are closed to the app */
  allDrives(): Promise<Drive[]>;
}

export interface Site {
  id: string;
  name: string;
  /** The connection's, and not one below it. */
  isOwn: boolean;
  record: JsonObject;
}

export interface Drive {
  id: string;
  name: string;
  siteId: string;
  record: JsonObject;
}

export interface List {
  id: string;
  name: string;
  displayName: string;
  siteId: string;
  isHidden: boolean;
  record: JsonObject;
}

/** A tree of sites that goes round in a circle, or is larger than anybody's. */
const MOST_SITES = 10_000;

export function createSiteCatalog(graph: Graph, config: ConnectionConfig): SiteCatalog {
  const closed = new Map<string, { sentence: string; what: string; error: unknown }>();
  /** Nothing of a site below that is closed to the app, or has gone since it was listed: the others are read. */
  async function ofOpenSite(
    site: Site,
    what: "sites" | "drives" | "lists",
    query?: GraphRequest["query"],
  ): Promise<JsonObject[]> {
    try {
      return await ofSite(graph, site, what, query);
    } catch (error) {
      const why = site.isOwn ? null : whyLeftOut(error);
      if (why === null) throw error;
      const sentence = `The ${what} of the site ${site.name} are left out: ${why}.`;
      closed.set(`${site.id} ${what}`, { sentence, what, error });
      return [];
    }
  }
  const sites = once(() => findSites(graph, config, (site) => ofOpenSite(site, "sites")));
  const allDrives = once(async () =>
    perSite(await sites(), async (site) => (await ofOpenSite(site, "drives")).map((record) => toDrive(record, site))),
  );
  const allLists = once(async () =>
    perSite(await sites(), async (site) =>
      (await ofOpenSite(site, "lists", config.lists === undefined ? [] : WITH_SYSTEM_LISTS)).map((record) =>
        toList(record, site),
      ),
    ),
  );
  const offeredDrives = async () => (await allDrives()).filter((drive) => isNamed(config.drives, namesOf(drive)));
  return {
    sites,
    drives: offeredDrives,
    async lists() {
      const found = await allLists();
      // Nobody asks for a hidden list, unless by its name.
      return found.filter((list) =>
        config.lists === undefined ? !list.isHidden : isNamed(config.lists, namesOf(list)),
      );
    },
    leftOut: () => [...closed.values()].map(({ sentence }) => sentence),
    async allDrives() {
      const found = await offeredDrives();
      for (const { what, error } of closed.values()) if (what !== "lists" && !isGoneFromSource(error)) throw error;
      return found;
    },
    async unknown() {
      const [drives, lists] = [config.drives ?? [], config.lists ?? []];
      const known = {
        drives: drives.length === 0 ? [] : (await allDrives()).flatMap(namesOf),
        lists: lists.length === 0 ? [] : (await allLists()).flatMap(namesOf),
      };
      return {
        drives: drives.filter((name) => !isNamed(known.drives, [name])),
        lists: lists.filter((name) => !isNamed(known.lists, [name])),
      };
    },
  };
}

/** Names are those of people: SharePoint takes no heed of their case. */
function isNamed(wanted: readonly string[] | undefined, names: readonly string[]): boolean {
  if (wanted === undefined) return true;
  const given = new Set(wanted.map((name) => name.toLowerCase()));
  return names.some((name) => given.has(name.toLowerCase()));
}

function namesOf(of: Pick<Drive, "id" | "name"> & Partial<List>): string[] {
  return [of.id, of.name, of.displayName ?? ""].filter((name) => name !== "");
}

async function findSites(
  graph: Graph,
  { siteUrl, siteId, includeSubsites }: ConnectionConfig,
  findBelow: (site: Site) => Promise<JsonObject[]>,
): Promise<Site[]> {
  const { body } = await graph.get({
    doing: "the site of the connection",
    cost: "item",
    url: siteAddress(siteUrl, siteId),
  });
  const found = [toSite(body, { isOwn: true })];
  if (!includeSubsites) return found;
  const seen = new Set(found.map(({ id }) => id));
  for (let at = 0; at < found.length && found.length < MOST_SITES; at++) {
    const site = found[at];
    if (site === undefined) break;
    for (const below of (await findBelow(site)).map((record) => toSite(record, { isOwn: false }))) {
      if (seen.has(below.id)) continue;
      seen.add(below.id);
      found.push(below);
    }
  }
  return found;
}

/** By its address or its id. https://learn.microsoft.com/graph/api/site-getbypath */
function siteAddress(siteUrl: string | undefined, siteId = ""): string {
  if (siteUrl === undefined) return `sites/${siteId}`;
  const { hostname, pathname } = new URL(siteUrl);
  const path = pathname.replace(/\/+$/, "");
  return path === "" ? `sites/${hostname}` : `sites/${hostname}:${path}`;
}

/** Graph shows system lists to whoever selects the member `system`. https://learn.microsoft.com/graph/api/list-list */
export const WITH_SYSTEM_LISTS: NonNullable<GraphRequest["query"]> = [
  [
    "$select",
    "id,name,displayName,description,webUrl,createdDateTime,lastModifiedDateTime,eTag,createdBy,lastModifiedBy,list,system",
  ],
];

function ofSite(
  graph: Graph,
  site: Site,
  what: "sites" | "drives" | "lists",
  query: NonNullable<GraphRequest["query"]> = [],
): Promise<JsonObject[]> {
  return graph.all({ doing: `${what} of site ${site.name}`, cost: "items", url: `sites/${site.id}/${what}`, query });
}

async function perSite<T>(sites: readonly Site[], find: (site: Site) => Promise<T[]>): Promise<T[]> {
  const found: T[] = [];
  for (const site of sites) found.push(...(await find(site)));
  return found;
}

function toSite(record: JsonObject, { isOwn }: Pick<Site, "isOwn">): Site {
  const id = textOf(record.id);
  return { id, isOwn, name: textOf(record.displayName) || textOf(record.name) || id, record };
}

function toDrive(record: JsonObject, site: Site): Drive {
  const id = textOf(record.id);
  return { id, name: textOf(record.name) || id, siteId: site.id, record: { ...record, siteId: site.id } };
}

function toList(record: JsonObject, site: Site): List {
  const id = textOf(record.id);
  const name = textOf(record.name) || id;
  const { list } = record;
  return {
    ...{ id, name, displayName: textOf(record.displayName) || name, siteId: site.id },
    isHidden: typeof list === "object" && list !== null && "hidden" in list && list.hidden === true,
    record: { ...record, siteId: site.id },
  };
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
