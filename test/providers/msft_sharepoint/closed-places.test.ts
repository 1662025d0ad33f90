import { describe, expect, it } from "vitest";
import { planOf, type Route, readAll, SITE_ID, sendGraphError, serveGraph } from "./scripted-graph.ts";

/** Lists and sites that are closed to the app, or gone since they were listed, while others are open. */

const LISTS = `/v1.0/sites/${SITE_ID}/lists`;
const closed: Route = (_, response) => sendGraphError(response, 403, "accessDenied");
const gone: Route = (_, response) => sendGraphError(response, 404, "itemNotFound");
const KEYS = { list_columns: ["list_id", "name"], list_content_types: ["list_id", "id"] };

describe.each([
  ["list_columns", "columns"],
  ["list_content_types", "contentTypes"],
] as const)("%s", (entityKey, path) => {
  const listed = { value: ["a", "b", "c"].map((id) => ({ id, name: id, displayName: `List ${id}` })) };

  it.each([
    ["is closed", closed, "may not read"],
    ["has gone", gone, "does not exist"],
  ])("leave out a list that %s, and say so", async (_, route, why) => {
    const graph = await serveGraph({
      [LISTS]: listed,
      [`${LISTS}/a/${path}`]: { value: [{ id: "1", name: "One" }] },
      [`${LISTS}/b/${path}`]: route,
      [`${LISTS}/c/${path}`]: { value: [{ id: "1", name: "One" }] },
    });
    const source = await graph.open();
    const { rows, warnings } = await readAll(source, await planOf(source, entityKey, { keyColumns: KEYS[entityKey] }));
    expect(rows.map(({ list_id }) => list_id)).toEqual(["a", "c"]);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`List b.*${why}`))]);
  });

  it("fail where the site is closed as a whole, and keep what is there", async () => {
    const graph = await serveGraph({
      [LISTS]: listed,
      [`${LISTS}?$top=1`]: closed,
      ...Object.fromEntries(["a", "b", "c"].map((id) => [`${LISTS}/${id}/${path}`, closed])),
    });
    const source = await graph.open();
    const plan = await planOf(source, entityKey, { keyColumns: KEYS[entityKey] });
    await expect(readAll(source, plan)).rejects.toMatchObject({ reasonCode: "source_permission_denied" });
  });
});

describe("a site below", () => {
  const below = { id: "contoso.sharepoint.com,b,b", name: "Below", displayName: "Below" };
  const drive = { id: "b!1", name: "Documents" };
  const open = async (routes: Record<string, Route>) => {
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/sites`]: { value: [below] },
      [`/v1.0/sites/${SITE_ID}/drives`]: { value: [drive] },
      "/v1.0/drives/b!1/root/delta": { value: [], "@odata.deltaLink": "https://graph.microsoft.com/v1.0/d" },
      ...routes,
    });
    return graph.open({ config: { includeSubsites: true } });
  };

  it.each(["drives", "lists"])("whose %s are closed is left out of their table, and the run says so", async (what) => {
    const source = await open({
      [`/v1.0/sites/${below.id}/sites`]: { value: [] },
      [`/v1.0/sites/${below.id}/drives`]: what === "drives" ? closed : { value: [] },
      [`/v1.0/sites/${below.id}/lists`]: what === "lists" ? closed : { value: [] },
    });
    const sites = await readAll(source, await planOf(source, "sites"));
    expect(sites.rows.map(({ id }) => id)).toEqual([SITE_ID, below.id]);
    const { rows, warnings } = await readAll(source, await planOf(source, what));
    expect(rows.map(({ site_id }) => site_id)).toEqual(rows.map(() => SITE_ID));
    expect(rows.length).toBeGreaterThan(0);
    expect(warnings).toEqual([`The ${what} of the site Below are left out: the app may not read it.`]);
  });

  it("whose drives are closed is no site without files: what is not listed would count as deleted", async () => {
    const source = await open({
      [`/v1.0/sites/${below.id}/sites`]: { value: [] },
      [`/v1.0/sites/${below.id}/drives`]: closed,
    });
    await expect(planOf(source, "files").then((plan) => readAll(source, plan))).rejects.toMatchObject({
      reasonCode: "source_permission_denied",
    });
  });

  it("is no such thing where it is the connection's own: the table fails", async () => {
    const source = await open({ [`/v1.0/sites/${SITE_ID}/drives`]: closed });
    await expect(planOf(source, "drives").then((plan) => readAll(source, plan))).rejects.toMatchObject({
      reasonCode: "source_permission_denied",
    });
  });
});

describe("the users of the site", () => {
  const hidden = { id: "u", name: "users", displayName: "Benutzerinformationsliste", system: {} };
  const list = { ...hidden, list: { template: "userInformation", hidden: true } };

  it("are the items of the list that SharePoint hides, page by page", async () => {
    const items = `${LISTS}/u/items`;
    const person = (id: string, more: object = {}) => ({
      ...{ id, contentType: { name: "Person" }, createdDateTime: "2026-01-01T00:00:00Z" },
      fields: { id, Title: `Ada ${id}`, Name: "i:0#.f|membership|ada@contoso.com", IsSiteAdmin: id === "6", ...more },
    });
    const graph = await serveGraph({
      [LISTS]: ({ url }) => ({ value: decodeURIComponent(url).includes("system") ? [list] : [] }),
      [items]: ({ origin }) => ({ value: [person("6")], "@odata.nextLink": `${origin}${items}?$skiptoken=x` }),
      [`${items}?$skiptoken=x`]: { value: [person("7", { Deleted: true, EMail: "ada@contoso.com", Own: "kept" })] },
    });
    const source = await graph.open();
    const { rows, rejects, warnings } = await readAll(source, await planOf(source, "site_users"));
    expect([rejects, warnings]).toEqual([[], []]);
    expect(rows).toMatchObject([
      { id: "6", site_id: SITE_ID, name: "Ada 6", is_site_admin: "true", kind: "Person", is_deleted: null },
      { id: "7", email: "ada@contoso.com", is_deleted: "true" },
    ]);
    expect(rows[1]?._unmapped).toContain("kept");
  });

  it("are none where the site has no such list for the app, and the run says so", async () => {
    const graph = await serveGraph();
    const source = await graph.open();
    const { rows, warnings } = await readAll(source, await planOf(source, "site_users"));
    expect(rows).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("user information list")]);
  });
});
