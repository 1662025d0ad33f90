import type { ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import type { ListedFile } from "../../../providers/lib/files/store.ts";
import { createFileStore } from "../../../providers/msft_sharepoint/file-store.ts";
import { createGraph } from "../../../providers/msft_sharepoint/graph.ts";
import { msftSharepoint } from "../../../providers/msft_sharepoint/index.ts";
import { createSiteCatalog } from "../../../providers/msft_sharepoint/site-catalog.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { type Received, serve } from "../lib/http/local-http.ts";
import {
  CLIENT_ID,
  DRIVE_ID,
  LIST_ID,
  planOf,
  type Route,
  readAll,
  type ScriptedGraph,
  SITE_ID,
  sendGraphError,
  serveGraph,
} from "./scripted-graph.ts";

/** What the documents allow Graph to answer, and the simulator does not. */

const GRAPH = "https://graph.microsoft.com";
const DELTA = `/v1.0/drives/${DRIVE_ID}/root/delta`;
const ITEMS = `/v1.0/drives/${DRIVE_ID}/items`;
const ITEMS_DELTA = `/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/items/delta`;
const DRIVE = `drive_items:${DRIVE_ID}`;
const LIST = `list_items:${LIST_ID}`;

const file = (id: string, more: object = {}) => ({
  ...{ id, name: `${id}.csv`, size: 6, eTag: `"${id},1"`, file: {}, parentReference: { id: "root" }, ...more },
});
const last = (value: object[], path = DELTA) => ({ value, "@odata.deltaLink": `${GRAPH}${path}?token=d` });

describe("a feed", () => {
  it("goes on through a proxy that has a path", async () => {
    const graph = await serveGraph({
      "/p/v1.0/sites/contoso.sharepoint.com:/sites/Finance": { id: SITE_ID },
      [`/p/v1.0/sites/${SITE_ID}/drives`]: { value: [{ id: DRIVE_ID, name: "Documents" }] },
      [`/p${DELTA}`]: { value: [file("a")], "@odata.nextLink": `${GRAPH}${DELTA}(token='p2')` },
      [`/p${DELTA}(token='p2')`]: last([file("b")]),
    });
    const source = await graph.open({ config: { graphUrl: `${graph.origin}/p` } });
    const { rows, cursor } = await readAll(source, await planOf(source, DRIVE));
    expect(rows.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(cursor).toBe(`${graph.origin}/p${DELTA}?token=d`);
  });

  it("tells by @removed too that an item is gone", async () => {
    const gone = { "@removed": { reason: "deleted" } };
    const graph = await serveGraph({
      [DELTA]: last([file("a"), { id: "b", ...gone }]),
      [ITEMS_DELTA]: last([{ id: "5", ...gone }], ITEMS_DELTA),
    });
    const source = await graph.open();
    const drive = await readAll(source, await planOf(source, DRIVE));
    expect(drive).toMatchObject({ rows: [{ id: "a" }], deletes: [["b"]], rejects: [] });
    expect(await readAll(source, await planOf(source, LIST))).toMatchObject({ deletes: [["5"]], rejects: [] });
  });

  it("has instants with seven digits of a second", async () => {
    const at = "2024-01-01T00:00:00.1234567Z";
    const times = { createdDateTime: at, lastModifiedDateTime: "2024-01-01T02:00:00.1234567+02:00" };
    const graph = await serveGraph({
      [DELTA]: last([file("a", { ...times, fileSystemInfo: times })]),
      [`/v1.0/sites/${SITE_ID}/drives`]: { value: [{ id: DRIVE_ID, name: "Documents", createdDateTime: at }] },
    });
    const source = await graph.open();
    const { rows, rejects } = await readAll(source, await planOf(source, DRIVE));
    expect(rejects).toEqual([]);
    expect(rows).toMatchObject([
      {
        ...{ created_at: "2024-01-01T00:00:00.123456Z", file_created_at: "2024-01-01T00:00:00.123456Z" },
        modified_at: "2024-01-01T02:00:00.123456+02:00",
      },
    ]);
    expect((await readAll(source, await planOf(source, "drives"))).rejects).toEqual([]);
  });
});

describe("fields of list items", () => {
  it("fit the columns that the list has defined, written as text or as numbers, and with OData's prefix", async () => {
    const column = (name: string, facet: object) => ({ name, displayName: name, ...facet });
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/columns`]: {
        value: [
          column("Total", { calculated: { outputType: "number" } }),
          ...[column("Customer", { lookup: {} }), column("Amount", { number: {} })],
          ...[column("_x0031_st", { number: {} }), column("_Odd", { text: {} })],
        ],
      },
      [ITEMS_DELTA]: last(
        [
          {
            id: "1",
            fields: {
              ...{ Total: "12.50000000000000", CustomerLookupId: 7, Amount: "much" },
              ...{ OData__x0031_st: 3, OData__Odd: "odd", OData__Unknown: "kept" },
            },
          },
        ],
        ITEMS_DELTA,
      ),
    });
    const source = await graph.open();
    const { rows, rejects } = await readAll(source, await planOf(source, LIST));
    expect(rejects).toEqual([]);
    expect(rows).toMatchObject([
      { total: "12.50000000000000", customer_lookup_id: "7", amount: null, "1st": "3", odd: "odd" },
    ]);
    expect(JSON.parse(rows[0]?._unmapped ?? "null")).toEqual({
      ...{ "fields.Amount": "much", fields: { OData__Unknown: "kept" } },
    });
  });
});

describe("columns that SharePoint has made", () => {
  it("are columns where they hold data: labels and counts, under their own name and empty where there is none", async () => {
    const builtIn = ["_ComplianceTag", "_CommentCount", "_LikeCount", "ItemChildCount"];
    const definitions = [
      ...builtIn.map((name) => ({ name, readOnly: true, lookup: { columnName: name, listId: "" } })),
      ...[
        { name: "AppAuthor", readOnly: true, lookup: { columnName: "Title" } },
        { name: "LinkTitle", text: {} },
      ],
      ...[
        { name: "_UIVersionString", readOnly: true, text: {} },
        { name: "Secret", hidden: true, text: {} },
      ],
    ];
    const fields = {
      ...{ _ComplianceTag: "Keep 7 years", _CommentCount: "3", _LikeCount: "", ItemChildCount: "0" },
      ...{ AppAuthorLookupId: "9", LinkTitle: "a", _UIVersionString: "2.0", Secret: "s", ParentLeafName: "" },
    };
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/columns`]: { value: definitions },
      [ITEMS_DELTA]: last([{ id: "1", fields }], ITEMS_DELTA),
    });
    const source = await graph.open();
    const { rows } = await readAll(source, await planOf(source, LIST));
    expect(rows).toMatchObject([
      {
        ...{ compliance_tag: "Keep 7 years", comment_count: "3", like_count: null, item_child_count: "0" },
        ...{ app_author_lookup_id: "9", uiversion_string: "2.0" },
      },
    ]);
    expect(JSON.parse(rows[0]?._unmapped ?? "null")).toEqual({ fields: { Secret: "s" } });
  });
});

describe("what lists define", () => {
  it("is a table of columns and one of content types, list by list; a list that has gone meanwhile stops none", async () => {
    const of = (id: string) => `/v1.0/sites/${SITE_ID}/lists/${id}`;
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/lists`]: { value: ["b", "gone", "a"].map((id) => ({ id, name: id, displayName: id })) },
      [`${of("a")}/columns`]: {
        value: [{ id: "1", name: "Status", choice: { choices: ["open"], displayAs: "dropDownMenu" }, required: true }],
      },
      [`${of("b")}/columns`]: {
        value: [
          { id: "1", name: "Customer", lookup: { listId: "a", columnName: "Title" }, defaultValue: null },
          { name: "Odd" },
        ],
      },
      [`${of("a")}/contentTypes`]: { value: [{ id: "0x01", name: "Item", group: "List", sealed: false }] },
      [`${of("b")}/contentTypes`]: { value: [] },
    });
    const source = await graph.open();
    const columns = await readAll(source, await planOf(source, "list_columns", { keyColumns: ["list_id", "name"] }));
    expect(columns.rejects).toEqual([]);
    expect(columns.rows).toMatchObject([
      { list_id: "a", site_id: SITE_ID, name: "Status", kind: "choice", choices: '["open"]', is_required: "true" },
      { list_id: "b", name: "Customer", kind: "lookup", lookup_list_id: "a", lookup_column: "Title" },
      { list_id: "b", name: "Odd", kind: null },
    ]);
    expect(JSON.parse(columns.rows[0]?._unmapped ?? "null")).toEqual({ choice: { displayAs: "dropDownMenu" } });
    const types = await planOf(source, "list_content_types", { keyColumns: ["list_id", "id"] });
    expect((await readAll(source, types)).rows).toMatchObject([
      { list_id: "a", id: "0x01", name: "Item", content_type_group: "List", is_sealed: "false" },
    ]);
  });
});

function storeOf(graph: ScriptedGraph) {
  const config = msftSharepoint.connectionSchema.parse({
    ...{ tenantId: "tenant-1", clientId: CLIENT_ID, siteUrl: "https://contoso.sharepoint.com/sites/Finance" },
    ...{ graphUrl: graph.origin, loginUrl: graph.origin },
  });
  const client = createGraph({
    ...{ config, sourceConfig: msftSharepoint.sourceConfigSchema.parse({}), secrets: { clientSecret: "s" } },
    ...{ egress: LOOPBACK_EGRESS, signal: new AbortController().signal },
    ...{ redactor: createRedactor(), shared: createSharedConnection() },
  });
  return createFileStore(client, createSiteCatalog(client, config));
}

async function listed(graph: ScriptedGraph): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for await (const page of storeOf(graph).list({ prefix: "" })) files.push(...page);
  return files;
}

describe("the listing of a drive", () => {
  it("that ends without a link is no complete one", async () => {
    const graph = await serveGraph({ [DELTA]: { value: [file("a")] }, [`${ITEMS}/root`]: { id: "root", root: {} } });
    await expect(listed(graph)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_response_invalid",
    });
  });

  it("that Graph ends on its way is made anew, and is no change feed of the table's", async () => {
    let refusals = 1;
    const graph = await serveGraph({
      [DELTA]: { value: [file("a")], "@odata.nextLink": `${GRAPH}${DELTA}?token=p2` },
      [`${DELTA}?token=p2`]: (_, response) =>
        refusals-- > 0 ? sendGraphError(response, 410, "resyncRequired") : last([file("b")]),
      [`${ITEMS}/root`]: { id: "root", root: {} },
    });
    expect((await listed(graph)).map(({ path }) => path)).toEqual(["a", "a", "b"].map((id) => `Documents/${id}.csv`));
    refusals = 100;
    await expect(listed(graph)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_response_invalid",
    });
  });

  it("that names a page which was read before ends", async () => {
    const graph = await serveGraph({ [DELTA]: { value: [], "@odata.nextLink": `${GRAPH}${DELTA}?token=p2` } });
    await expect(listed(graph)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
    expect(graph.received.filter(({ url }) => url.startsWith(DELTA))).toHaveLength(2);
  });

  it("shows files whose parent it does not name", async () => {
    const graph = await serveGraph({ [DELTA]: last([file("a", { parentReference: undefined })]) });
    expect((await listed(graph)).map(({ path }) => path)).toEqual(["Documents/a.csv"]);
  });
});

const CONTENT = Buffer.from("0123456789".repeat(20_000));
const BIG: ListedFile = {
  ...{ fileId: `${DRIVE_ID}/big`, path: "Documents/big.csv", versionToken: `etag "big,1" ${CONTENT.length}` },
  ...{ sizeBytes: CONTENT.length, modifiedAt: null },
};

function giveContent({ headers }: Pick<Received, "headers">, response: ServerResponse, hasRanges: boolean): undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)/.exec(hasRanges ? (headers.range ?? "") : "") ?? [];
  if (from === undefined) {
    response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT);
    return;
  }
  const end = to === "" ? CONTENT.length : Number(to) + 1;
  const range = `bytes ${from}-${end - 1}/${CONTENT.length}`;
  response.writeHead(206, { "content-range": range }).end(CONTENT.subarray(Number(from), end));
}

describe("the content of a file", () => {
  /** Its hash has come since it was listed. */
  const big = file("big", { size: CONTENT.length, file: { hashes: { quickXorHash: "late" } } });

  async function contentBy(route: Route, from: number): Promise<Buffer> {
    const graph = await serveGraph({ [`${ITEMS}/big/content`]: route, [`${ITEMS}/big`]: big });
    return buffer(await storeOf(graph).open(BIG, { from }));
  }

  it.each([
    [0, true],
    [150_000, true],
    [0, false],
    [150_000, false],
  ])("may come without a redirect, from byte %i on, ranges heeded: %s", async (from, hasRanges) => {
    const bytes = await contentBy((request, response) => giveContent(request, response, hasRanges), from);
    expect(bytes.equals(CONTENT.subarray(from))).toBe(true);
  });

  it("may come by a link that is relative to Graph's own, or by another redirect than 302", async () => {
    const host = await serve((request, response) => giveContent(request, response, true));
    const bytes = await contentBy((_, response) => {
      response.writeHead(307, { location: `//127.0.0.1:${host.port}/x?tempauth=1` }).end();
      return undefined;
    }, 7);
    expect(bytes.equals(CONTENT.subarray(7))).toBe(true);
    for (const { headers } of host.received) expect(headers.authorization).toBeUndefined();
  });
});
