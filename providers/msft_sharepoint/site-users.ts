import type { FeedPage, Warn } from "../lib/feeds/feed.ts";
import { isObject } from "../lib/http/json.ts";
import type { RestColumn, RestResource } from "../lib/rest/declaration.ts";
import type { Graph } from "./graph.ts";
import { COMPUTED } from "./list-columns.ts";
import { listItemOf } from "./records.ts";
import { type SiteCatalog, textOf, WITH_SYSTEM_LISTS } from "./site-catalog.ts";

/** The people and groups that a site knows, by the ids that columns of lists hold. They are items of a list that SharePoint hides. */

const field = (name: string, description?: string): RestColumn => ({
  ...{ type: "text", path: `fields.${name}` },
  ...(description === undefined ? {} : { description }),
});

/** https://learn.microsoft.com/graph/api/resources/listitem */
export const SITE_USERS: RestResource = {
  entityKey: "site_users",
  displayName: "Users of the site",
  description:
    "People and groups that the site knows: its user information list. Columns such as `author_lookup_id` hold their ids.",
  path: "site_users",
  columns: {
    id: { type: "text", description: "As columns of lists hold it that name a person or group." },
    site_id: { type: "text", path: "siteId" },
    name: field("Title", "As people read it."),
    account: field("Name", "Login with its prefix, such as `i:0#.f|membership|ada@contoso.com`."),
    user_name: field("UserName"),
    email: field("EMail"),
    first_name: field("FirstName"),
    last_name: field("LastName"),
    department: field("Department"),
    job_title: field("JobTitle"),
    office: field("Office"),
    work_phone: field("WorkPhone"),
    mobile_phone: field("MobilePhone"),
    sip_address: field("SipAddress"),
    is_site_admin: { type: "boolean", path: "fields.IsSiteAdmin", description: "Administers the site collection." },
    is_deleted: { type: "boolean", path: "fields.Deleted" },
    kind: { type: "text", path: "contentType.name", description: "`Person`, `DomainGroup`, `SharePointGroup`, ..." },
    created_at: { type: "timestamptz", path: "createdDateTime" },
    modified_at: { type: "timestamptz", path: "lastModifiedDateTime" },
    etag: { type: "text", path: "eTag" },
  },
  primaryKey: ["id"],
  loadMode: "replace",
  sizeClass: "s",
};

const TEMPLATE = "userInformation";
const LEFT_OUT = new Set(COMPUTED);

/**
 * Pages of the list: `site_users`, and then `site_users#<link>`. It is that of the site collection, so that sites below have none of their own.
 * @returns null where the position is another's
 */
export async function readSiteUsers(
  graph: Graph,
  catalog: SiteCatalog,
  { at, pageSize, warn }: { at: string; pageSize: number; warn: Warn },
): Promise<FeedPage | null> {
  const [key, ...link] = at.split("#");
  if (key !== SITE_USERS.entityKey) return null;
  const [site] = await catalog.sites();
  const siteId = site?.id ?? "";
  const url = link.length > 0 ? link.join("#") : await firstOf(graph, siteId, { pageSize, warn });
  if (url === null) return { records: [], next: null, bytes: 0 };
  const { items, nextLink, bytes } = await graph.page({ doing: "users of the site", cost: "items", url });
  const records = items.map((item) => {
    const made = listItemOf(item, { listId: "", leftOut: LEFT_OUT, known: new Map() });
    if (!isObject(made.record)) return made;
    const { listId: _, ...record } = made.record;
    return { ...made, record: { ...record, siteId } };
  });
  return { records, next: nextLink === null ? null : `${key}#${nextLink}`, bytes };
}

/** Null where the site shows the app no such list: people hear of it. */
async function firstOf(
  graph: Graph,
  siteId: string,
  { pageSize, warn }: { pageSize: number; warn: Warn },
): Promise<string | null> {
  const lists = await graph.all({
    ...{ doing: "lists of the site", cost: "items", url: `sites/${siteId}/lists`, query: WITH_SYSTEM_LISTS },
  });
  const found = lists.find(({ list }) => isObject(list) && list.template === TEMPLATE);
  if (found === undefined) {
    await warn(
      "The site shows the app no user information list, so that site_users has no rows. A site that lies below another has none: name the one above it.",
    );
    return null;
  }
  return `sites/${siteId}/lists/${encodeURIComponent(textOf(found.id))}/items?$expand=fields&$top=${pageSize}`;
}
