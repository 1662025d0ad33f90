import { describe, expect, it } from "vitest";
import { DRIVE_ID, LIST_ID, planOf, readAll, SITE_ID, sendGraphError, serveGraph } from "./scripted-graph.ts";

const DELTA = `/v1.0/drives/${DRIVE_ID}/root/delta`;
const ITEMS_DELTA = `/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/items/delta`;
const drive = `drive_items:${DRIVE_ID}`;
const list = `list_items:${LIST_ID}`;

const file = (id: string, name: string, more: object = {}) => ({
  ...{ id, name, size: 5, eTag: `"${id},1"`, file: { mimeType: "text/csv" }, parentReference: { id: "root" } },
  ...more,
});

describe("the items of a drive", () => {
  it("are read to the delta link, which the next run starts from", async () => {
    const graph = await serveGraph({
      [DELTA]: ({ origin }) => ({
        value: [{ id: "root", name: "root", root: {}, folder: { childCount: 2 } }, file("a", "a.csv")],
        "@odata.nextLink": `${origin}${DELTA}?token=p2`,
      }),
      [`${DELTA}?token=p2`]: ({ origin }) => ({ value: [], "@odata.nextLink": `${origin}${DELTA}?token=p3` }),
      [`${DELTA}?token=p3`]: ({ origin }) => ({
        value: [file("a", "renamed.csv"), { id: "b", deleted: { state: "deleted" } }],
        "@odata.deltaLink": `${origin}${DELTA}?token=d1`,
      }),
      [`${DELTA}?token=d1`]: ({ origin }) => ({
        value: [{ id: "a", deleted: {} }],
        "@odata.deltaLink": `${origin}${DELTA}?token=d2`,
      }),
    });
    const source = await graph.open();
    const first = await readAll(source, await planOf(source, drive));
    expect(first.rows).toMatchObject([
      { id: "root", kind: "root", drive_id: DRIVE_ID },
      { id: "a", name: "renamed.csv", kind: "file", parent_id: "root", mime_type: "text/csv", size_bytes: "5" },
    ]);
    expect(first.deletes).toEqual([["b"]]);
    expect(first.cursor).toBe(`${graph.origin}${DELTA}?token=d1`);
    const next = await planOf(source, drive, { scan: "incremental", cursorState: first.cursor ?? null });
    const second = await readAll(source, next);
    expect(second.rows).toEqual([]);
    expect(second.deletes).toEqual([["a"]]);
    expect(graph.received.some(({ url }) => url.includes("latest"))).toBe(false);
  });

  it("hold no link that lets anybody download the file, not even in what was rejected", async () => {
    const link = { "@microsoft.graph.downloadUrl": "https://contoso.sharepoint.com/download?tempauth=SECRET" };
    const graph = await serveGraph({
      [DELTA]: ({ origin }) => ({
        value: [file("a", "a.csv", link), file("", "no key", { ...link, id: null })],
        "@odata.deltaLink": `${origin}${DELTA}?token=d1`,
      }),
    });
    const source = await graph.open();
    const found = await readAll(source, await planOf(source, drive));
    expect(found.rows).toHaveLength(1);
    expect(found.rejects).toHaveLength(1);
    expect(JSON.stringify(found)).not.toContain("SECRET");
  });

  it.each(["@odata.nextLink", "@odata.deltaLink"])("follow and keep no %s that leads elsewhere", async (name) => {
    const graph = await serveGraph({
      [DELTA]: { value: [file("a", "a.csv")], [name]: "https://evil.example/delta?token=1" },
    });
    const source = await graph.open();
    await expect(readAll(source, await planOf(source, drive))).rejects.toMatchObject({
      reasonCode: "source_address_refused",
      message: expect.stringContaining("evil.example"),
    });
  });

  it("follow a link of Graph's own through the proxy that the connection names", async () => {
    const graph = await serveGraph({
      [DELTA]: { value: [file("a", "a.csv")], "@odata.nextLink": `https://graph.microsoft.com${DELTA}?token=p2` },
      [`${DELTA}?token=p2`]: { value: [], "@odata.deltaLink": `https://graph.microsoft.com${DELTA}?token=d1` },
    });
    const source = await graph.open();
    expect((await readAll(source, await planOf(source, drive))).cursor).toBe(`${graph.origin}${DELTA}?token=d1`);
  });

  it.each([
    [410, "resyncChangesApplyDifferences", undefined],
    [410, "resyncRequired", "resyncChangesUploadDifferences"],
    [400, "invalidRequest", "syncStateInvalid"],
  ])("are read anew where the delta link has expired: %s %s %s", async (status, code, inner) => {
    const graph = await serveGraph({
      [`${DELTA}?token=old`]: (_, response) =>
        sendGraphError(response, status, code, {
          headers: { location: `${DELTA}?token=fresh` },
          ...(inner ? { inner } : {}),
        }),
      [DELTA]: ({ origin }) => ({ value: [file("a", "a.csv")], "@odata.deltaLink": `${origin}${DELTA}?token=d1` }),
    });
    const source = await graph.open();
    const cursorState = `${graph.origin}${DELTA}?token=old`;
    const expired = async () => readAll(source, await planOf(source, drive, { scan: "incremental", cursorState }));
    await expect(expired()).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_cursor_expired" });
    const anew = await readAll(source, await planOf(source, drive, { resync: true, cursorState }));
    expect(anew.rows).toMatchObject([{ id: "a" }]);
  });

  it("that are gone with their drive, or closed to the app, say what to do", async () => {
    const graph = await serveGraph({
      [DELTA]: (_, response) => sendGraphError(response, 403, "accessDenied"),
    });
    const source = await graph.open();
    await expect(readAll(source, await planOf(source, drive))).rejects.toMatchObject({
      ...{ name: "TerminalError", reasonCode: "source_permission_denied" },
      fix: expect.stringContaining("Sites.Selected"),
    });
    await expect(planOf(source, "drive_items:b!gone")).rejects.toMatchObject({
      ...{ name: "TerminalError", reasonCode: "source_resource_not_found" },
    });
  });
});

const column = (name: string, facet: object, more: object = {}) => ({ name, displayName: name, ...facet, ...more });

describe("the items of a list", () => {
  const columns = {
    value: [
      column("Title", { text: {} }),
      column("Due_x0020_Date", { dateTime: {} }, { displayName: "Due Date" }),
      column("Amount", { currency: {} }),
      column("Paid", { boolean: {} }),
      column("Tags", { choice: { displayAs: "checkBoxes" } }),
      column("Customer", { lookup: { allowMultipleValues: false } }),
      column("Reviewers", { personOrGroup: { allowMultipleSelection: true } }),
      column("Link", {}),
      column("id", { text: {} }),
      column("LinkTitle", {}),
      column("Secret", { text: {} }, { hidden: true }),
    ],
  };
  const item = (id: string, fields: object) => ({
    ...{ id, eTag: `"${id}"`, createdDateTime: "2026-11-01T00:00:00Z", lastModifiedDateTime: "2026-11-02T00:00:00Z" },
    fields: { "@odata.etag": "x", id, ContentType: "Item", LinkTitle: "x", ...fields },
  });

  it("have a column for each that the list defines, with the ids of what is looked up", async () => {
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/columns`]: columns,
      [ITEMS_DELTA]: ({ origin }) => ({
        value: [
          item("1", {
            ...{ Title: "first", Due_x0020_Date: "2026-12-24T23:00:00Z", Amount: 12.5, Paid: true, Tags: ["a", "b"] },
            ...{
              CustomerLookupId: "7",
              Reviewers: [{ LookupId: 3, LookupValue: "Ann" }],
              Link: { Url: "https://x.example" },
            },
          }),
          item("2", { Title: "second", Amount: "much", New: "not defined yet" }),
          { id: "3", deleted: { state: "deleted" }, contentType: { id: "0x01", name: "Item" } },
          { id: "4", eTag: "without fields" },
        ],
        "@odata.deltaLink": `${origin}${ITEMS_DELTA}?token=d1`,
      }),
    });
    const source = await graph.open();
    const [schema] = await source.discover([list]);
    expect(schema).toMatchObject({ changeFeed: true, primaryKeyColumns: ["id"], displayName: "Items of Invoices" });
    const types = Object.fromEntries(schema?.columns.map(({ name, type }) => [name, type]) ?? []);
    expect(types).toMatchObject({
      ...{ id: "text", title: "text", due_date: "timestamp with time zone", amount: "numeric", paid: "boolean" },
      ...{ tags: "jsonb", customer_lookup_id: "text", reviewers: "jsonb", link: "jsonb", _unmapped: "jsonb" },
    });
    for (const name of ["secret", "link_title", "id_2"]) expect(types).not.toHaveProperty(name);
    const { rows, deletes, rejects } = await readAll(source, await planOf(source, list));
    expect(rows).toMatchObject([
      {
        ...{
          id: "1",
          list_id: LIST_ID,
          title: "first",
          due_date: "2026-12-24T23:00:00Z",
          amount: "12.5",
          paid: "true",
        },
        ...{ tags: '["a","b"]', customer_lookup_id: "7", link: '{"Url":"https://x.example"}' },
      },
      { id: "2", amount: null },
    ]);
    // What does not fit its column, and what no column shows yet, is kept.
    expect(JSON.parse(rows[1]?._unmapped ?? "null")).toEqual({
      "fields.Amount": "much",
      fields: { New: "not defined yet" },
    });
    expect(rows[0]?._unmapped).toBeNull();
    expect(deletes).toEqual([["3"]]);
    expect(rejects).toMatchObject([{ reason: "The item came without its fields." }]);
    expect(graph.received.some(({ url }) => decodeURIComponent(url).includes("$expand=fields"))).toBe(true);
  });

  it("keep the names of their columns, whatever is defined later", async () => {
    const before = [column("Due_x0020_Date", { dateTime: {} })];
    const after = [column("DueDate", { text: {} }), ...before, column("etag", { text: {} })];
    let defined = before;
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/columns`]: () => ({ value: defined }),
    });
    const [first] = await (await graph.open()).discover([list]);
    expect(first?.columnNames).toEqual({ "fields.Due_x0020_Date": "due_date" });
    defined = after;
    const named = new Map([[list, { names: first?.columnNames ?? {} }]]);
    const [second] = await (await graph.open()).discover([list], new Map(), named);
    const names = second?.columns.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(names.length);
    expect(second?.columnNames?.["fields.Due_x0020_Date"]).toBe("due_date");
  });
});

describe("the tables of a site", () => {
  it("are listed with the site that they are of, and page by page", async () => {
    const below = "contoso.sharepoint.com,1,3";
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/sites`]: { value: [{ id: below, name: "Audit" }] },
      [`/v1.0/sites/${below}/sites`]: { value: [] },
      [`/v1.0/sites/${below}/drives`]: ({ origin }) => ({
        value: [{ id: "b!2", name: "Papers" }],
        "@odata.nextLink": `${origin}/v1.0/more-drives`,
      }),
      "/v1.0/more-drives": { value: [{ id: "b!3", name: "More" }] },
      [`/v1.0/sites/${below}/lists`]: { value: [] },
    });
    const source = await graph.open({ config: { includeSubsites: true } });
    expect((await readAll(source, await planOf(source, "sites"))).rows.map(({ name }) => name)).toEqual([
      "Finance",
      "Audit",
    ]);
    const { rows } = await readAll(source, await planOf(source, "drives"));
    expect(rows).toMatchObject([
      { id: DRIVE_ID, site_id: SITE_ID, quota_used_bytes: "7" },
      { id: "b!2", site_id: below },
      { id: "b!3", site_id: below },
    ]);
    const keys = (await source.discover(null)).map(({ entityKey }) => entityKey);
    expect(keys).toEqual(expect.arrayContaining(["sites", "drives", "lists", drive, "drive_items:b!3", list]));
    expect(keys).not.toContain("list_items:55555555-5555-5555-5555-555555555555");
  });

  it("are those that the connection names", async () => {
    const graph = await serveGraph();
    const source = await graph.open({ config: { drives: ["documents"], lists: ["Workflows"] } });
    const keys = (await source.discover(null)).map(({ entityKey }) => entityKey);
    expect(keys.filter((key) => key.includes(":"))).toEqual([drive, "list_items:55555555-5555-5555-5555-555555555555"]);
  });
});
