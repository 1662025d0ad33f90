import type { JsonObject } from "../lib/http/json.ts";
import { once } from "../lib/once.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Graph, GraphRequest } from "./graph.ts";

/** What the connection's site has. Each is asked for once. */
export interface SiteCatalog {
  /** The connection's own first. @throws ProviderError */
  sites(): Promise<Site[]>;
  /** Those that the connection offers. @throws ProviderError */
  drives(): Promise<Drive[]>;
  lists(): Promise<List[]>;
  /** Names in the config that no drive or list has. */
  unknown(): Promise<{ drives: string[]; lists: string[] }>;
}

export interface Site {
  id: string;
  name: string;
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
  const sites = once(() => findSites(graph, config));
  const allDrives = once(async () =>
    perSite(await sites(), async (site) =>
      (await ofSite(graph, site, "drives")).map((record) => toDrive(record, site)),
    ),
  );
  const allLists = once(async () =>
    perSite(await sites(), async (site) =>
      (await ofSite(graph, site, "lists", config.lists === undefined ? [] : WITH_SYSTEM_LISTS)).map((record) =>
        toList(record, site),
      ),
    ),
  );
  return {
    sites,
    drives: async () => {
      const found = await allDrives();
      return found.filter((drive) => isNamed(config.drives, namesOf(drive)));
    },
    async lists() {
      const found = await allLists();
      // Nobody asks for a hidden list, unless by its name.
      return found.filter((list) =>
        config.lists === undefined ? !list.isHidden : isNamed(config.lists, namesOf(list)),
      );
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

async function findSites(graph: Graph, { siteUrl, siteId, includeSubsites }: ConnectionConfig): Promise<Site[]> {
  const { body } = await graph.get({
    doing: "the site of the connection",
    cost: "item",
    url: siteAddress(siteUrl, siteId),
  });
  const found = [toSite(body)];
  if (!includeSubsites) return found;
  const seen = new Set(found.map(({ id }) => id));
  for (let at = 0; at < found.length && found.length < MOST_SITES; at++) {
    const site = found[at];
    if (site === undefined) break;
    for (const below of (await ofSite(graph, site, "sites")).map(toSite)) {
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
const WITH_SYSTEM_LISTS: NonNullable<GraphRequest["query"]> = [
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

function toSite(record: JsonObject): Site {
  const id = textOf(record.id);
  return { id, name: textOf(record.displayName) || textOf(record.name) || id, record };
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
