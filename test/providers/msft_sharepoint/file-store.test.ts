import type { ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import {
  FileChangedError,
  FileGoneError,
  FileRefusedError,
  type ListedFile,
} from "../../../providers/lib/files/store.ts";
import { createFileStore } from "../../../providers/msft_sharepoint/file-store.ts";
import { createGraph } from "../../../providers/msft_sharepoint/graph.ts";
import { msftSharepoint } from "../../../providers/msft_sharepoint/index.ts";
import { createSiteCatalog } from "../../../providers/msft_sharepoint/site-catalog.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { type Received, serve } from "../lib/http/local-http.ts";
import {
  CLIENT_ID,
  DRIVE_ID,
  type Route,
  type ScriptedGraph,
  SITE_ID,
  sendGraphError,
  serveGraph,
} from "./scripted-graph.ts";

const ITEMS = `/v1.0/drives/${DRIVE_ID}/items`;
const DELTA = `/v1.0/drives/${DRIVE_ID}/root/delta`;

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

async function listed(graph: ScriptedGraph, prefix = ""): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for await (const page of storeOf(graph).list({ prefix })) files.push(...page);
  return files;
}

const folder = (id: string, name: string, parent: string) => ({
  id,
  name,
  folder: {},
  parentReference: { id: parent },
});
const file = (id: string, name: string, parent: string, more: object = {}) => ({
  ...{
    id,
    name,
    size: 6,
    eTag: `"${id},1"`,
    parentReference: { id: parent },
    lastModifiedDateTime: "2026-11-01T00:00:00Z",
  },
  ...{ file: { hashes: { quickXorHash: `hash-${id}` } }, ...more },
});

describe("the listing of drives", () => {
  it("finds the path of each file, in whatever order the feed has folders, and with those that it does not have", async () => {
    const graph = await serveGraph({
      [DELTA]: ({ origin }) => ({
        value: [
          { id: "root", name: "root", root: {}, folder: {} },
          file("1", "early.csv", "inner"),
          folder("inner", "2026", "outer"),
          file("2", "top.csv", "root"),
        ],
        "@odata.nextLink": `${origin}${DELTA}?token=p2`,
      }),
      [`${DELTA}?token=p2`]: ({ origin }) => ({
        value: [
          file("3", "late.csv", "unseen"),
          file("4", "lost.csv", "gone"),
          file("5", "virus.exe", "root", { malware: { description: "EICAR" } }),
          { ...folder("nb", "Notebook", "root"), package: { type: "oneNote" }, file: {} },
          file("6", "elsewhere.csv", "root", { remoteItem: { id: "x" } }),
          { ...file("7", "deleted.csv", "root"), deleted: {} },
        ],
        "@odata.deltaLink": `${origin}${DELTA}?token=d1`,
      }),
      [`${ITEMS}/outer`]: folder("outer", "reports", "root"),
      [`${ITEMS}/unseen`]: folder("unseen", "unseen", "inner"),
    });
    const files = await listed(graph);
    expect(files.map(({ path }) => path)).toEqual([
      ...["Documents/reports/2026/early.csv", "Documents/top.csv", "Documents/reports/2026/unseen/late.csv"],
      "Documents/virus.exe",
    ]);
    expect(files[0]).toEqual({
      ...{
        fileId: `${DRIVE_ID}/1`,
        path: "Documents/reports/2026/early.csv",
        versionToken: expect.stringMatching(/^hash hash-1 6 at /),
      },
      ...{ sizeBytes: 6, modifiedAt: "2026-11-01T00:00:00Z" },
    });
    expect(files[3]?.unreadable).toContain("EICAR");
    expect(graph.received.filter(({ url }) => url.includes("/items/outer"))).toHaveLength(1);
  });

  it("is not asked for again by who has just had it", async () => {
    const graph = await serveGraph({
      [DELTA]: ({ origin }) => ({
        value: [{ id: "root", root: {}, folder: {} }, file("1", "a.csv", "root"), file("2", "b.csv", "root")],
        "@odata.deltaLink": `${origin}/v1.0/x`,
      }),
    });
    const store = storeOf(graph);
    const paths: string[] = [];
    for (const prefix of ["Documents/a", "Documents/b"])
      for await (const page of store.list({ prefix })) paths.push(...page.map(({ path }) => path));
    expect(paths).toEqual(["Documents/a.csv", "Documents/b.csv"]);
    expect(graph.received.filter(({ url }) => url.startsWith(DELTA))).toHaveLength(1);
  });

  it("asks for drives alone that the prefix leads to", async () => {
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/drives`]: {
        value: [
          { id: DRIVE_ID, name: "Documents" },
          { id: "b!2", name: "Papers" },
        ],
      },
      "/v1.0/drives/b!2/root/delta": ({ origin }) => ({
        value: [{ id: "root", root: {}, folder: {} }, file("1", "a.csv", "root"), file("2", "b.csv", "root")],
        "@odata.deltaLink": `${origin}/v1.0/x`,
      }),
    });
    expect((await listed(graph, "Papers/a")).map(({ path }) => path)).toEqual(["Papers/a.csv"]);
    expect(graph.received.some(({ url }) => url.startsWith(DELTA))).toBe(false);
  });
});

const CONTENT = Buffer.from("0123456789".repeat(20_000));
const big = file("big", "big.csv", "root", { size: CONTENT.length });
const BIG: ListedFile = {
  ...{ fileId: `${DRIVE_ID}/big`, path: "Documents/big.csv", versionToken: `hash hash-big ${CONTENT.length}` },
  ...{ sizeBytes: CONTENT.length, modifiedAt: null },
};

/** Another host, which gives the content to whoever has a link that is good. */
async function serveContent(
  answer: (request: Received, response: ServerResponse, link: number) => boolean = () => false,
) {
  let links = 0;
  const host = await serve((request, response) => {
    const link = Number(new URL(request.url, "http://x").searchParams.get("link"));
    if (answer(request, response, link)) return;
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const isPart = request.headers.range !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      ...{ etag: '"v1"', "content-length": CONTENT.length - from },
      ...(isPart ? { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` } : {}),
    });
    response.end(CONTENT.subarray(from));
  });
  const route: Route = (_, response) => {
    links += 1;
    response.writeHead(302, { location: `${host.origin}/file?link=${links}&tempauth=secretsecret` }).end();
    return undefined;
  };
  return { host, routes: { [`${ITEMS}/big/content`]: route, [`${ITEMS}/big`]: big } };
}

describe("the content of a file", () => {
  it.each([0, 7, 150_000, CONTENT.length])("comes by a link that gets no token, from byte %i on", async (from) => {
    const { host, routes } = await serveContent();
    const graph = await serveGraph(routes);
    const bytes = await buffer(await storeOf(graph).open(BIG, { from }));
    expect(bytes.equals(CONTENT.subarray(from))).toBe(true);
    for (const { headers } of host.received) expect(headers.authorization).toBeUndefined();
  });

  it.each([401, 403])("goes on by another link where the link is over: %i", async (status) => {
    let cut = 0;
    const { host, routes } = await serveContent((_, response, link) => {
      if (link === 1 && cut === 0) {
        cut = 120_000;
        response.writeHead(200, { etag: '"v1"', "content-length": CONTENT.length });
        response.write(CONTENT.subarray(0, cut), () => response.destroy());
        return true;
      }
      if (link > 2) return false;
      response.writeHead(status).end();
      return true;
    });
    const graph = await serveGraph(routes);
    const bytes = await buffer(await storeOf(graph).open(BIG, { from: 0 }));
    expect(bytes.equals(CONTENT)).toBe(true);
    expect(host.received.at(-1)?.url).toContain("link=3");
  });

  it("is of the version that was listed, or it is said", async () => {
    const { routes } = await serveContent();
    const graph = await serveGraph({
      ...routes,
      [`${ITEMS}/big`]: { ...big, file: { hashes: { quickXorHash: "other" } } },
    });
    await expect(storeOf(graph).open(BIG, { from: 0 })).rejects.toBeInstanceOf(FileChangedError);
    const gone = await serveGraph();
    await expect(storeOf(gone).open(BIG, { from: 0 })).rejects.toBeInstanceOf(FileGoneError);
    expect(await storeOf(gone).stat(BIG)).toBeNull();
  });

  it("that is too short is an error", async () => {
    const { routes } = await serveContent((_, response) => {
      response.writeHead(200, { "content-length": 3 }).end("abc");
      return true;
    });
    const graph = await serveGraph(routes);
    const stream = await storeOf(graph).open(BIG, { from: 0 });
    await expect(buffer(stream)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("that the source does not give says what to do", async () => {
    const graph = await serveGraph({
      [`${ITEMS}/big/content`]: (_, response) => sendGraphError(response, 422, "malwareDetected"),
    });
    const refusal = await storeOf(graph)
      .open(BIG, { from: 0 })
      .catch((error: unknown) => error);
    // The others are read.
    expect(refusal).toBeInstanceOf(FileRefusedError);
    expect(refusal).toMatchObject({ reasonCode: "source_file_unreadable", fix: expect.stringContaining("malware") });
  });
});
