import { checkInOrder, type Found } from "../lib/checks.ts";
import type { SourceCheck } from "../provider.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Graph } from "./graph.ts";
import { PERMISSION } from "./graph-errors.ts";
import type { SiteCatalog } from "./site-catalog.ts";

interface Checked {
  graph: Graph;
  catalog: SiteCatalog;
  config: ConnectionConfig;
}

export function checkSite(checked: Checked): Promise<SourceCheck[]> {
  return checkInOrder(Object.fromEntries(Object.entries(STEPS).map(([name, look]) => [name, () => look(checked)])));
}

const STEPS: Record<string, (checked: Checked) => Promise<Found>> = {
  async token({ graph }) {
    await graph.client.answered();
    return "Entra ID gives the app a token.";
  },
  async site({ catalog }) {
    const [site, ...below] = await catalog.sites();
    const more = below.length === 0 ? "" : ` It has ${below.length} sites below it.`;
    return `The site is ${site?.name} (${site?.id}).${more}`;
  },
  async drives({ catalog, config }) {
    const { drives: unknown } = await catalog.unknown();
    if (unknown.length > 0) return wrongNames("drives", "document library", unknown);
    const drives = await catalog.drives();
    return `${drives.length} document libraries can be read${config.drives === undefined ? "" : ", as `drives` names them"}.`;
  },
  async lists({ catalog, config }) {
    const { lists: unknown } = await catalog.unknown();
    if (unknown.length > 0) return wrongNames("lists", "list", unknown);
    const lists = await catalog.lists();
    return `${lists.length} lists can be read${config.lists === undefined ? "" : ", as `lists` names them"}.`;
  },
  /** To see that there is a drive takes less than to read what it has. */
  async permission({ graph, catalog }) {
    const [drive] = await catalog.drives();
    const [list] = await catalog.lists();
    const url =
      drive === undefined
        ? list && `sites/${list.siteId}/lists/${list.id}/items/delta?$top=1`
        : `drives/${drive.id}/root/delta?$top=1`;
    if (url === undefined) return "The site has no drive and no list that the connection offers.";
    await graph.page({ doing: "a first look at what the site has", cost: "enumeration", url });
    return `The app's permission (${PERMISSION} with the role read, or Sites.Read.All) is enough to read the site.`;
  },
};

function wrongNames(field: string, what: string, unknown: readonly string[]): Found {
  return {
    what: `msft_sharepoint: the site has no ${what} ${unknown.map((name) => JSON.stringify(name)).join(", ")}.`,
    fix: `Correct ${field} in the connection's config: names and ids stand in the site's settings and in what discovery finds.`,
  };
}
