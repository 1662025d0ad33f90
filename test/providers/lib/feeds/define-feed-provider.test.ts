import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createRedactor } from "../../../../core/redact.ts";
import { defineFeedProvider } from "../../../../providers/lib/feeds/define-feed-provider.ts";
import type { ReadRequest, Source } from "../../../../providers/provider.ts";
import { type CannedAnswer, createRestServer, type RestServer } from "../../../support/rest-server.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../../support/shared-connection.ts";
import { FULL_SCAN } from "../../conformance/reader.ts";

const COLUMNS = { id: "bigint", name: "text" } as const;

const provider = defineFeedProvider({
  key: "dropbox",
  displayName: "Box",
  connectionSchema: z.strictObject({ baseUrl: z.string() }),
  secrets: {},
  sourceInstanceKey: () => "box",
  api: ({ config: { baseUrl } }) => ({ baseUrl, auth: { type: "none" }, retry: { maxAttempts: 1 } }),
  checkPath: "all/folders",
  errorRules: [{ status: 410, action: "fail", reasonCode: "source_cursor_expired" }],
  resources: [
    {
      ...{ entityKey: "folders", displayName: "Folders", description: "Folders.", path: "all/folders" },
      ...{ columns: COLUMNS, primaryKey: ["id"], sizeClass: "s" as const, paginator: { type: "single" as const } },
    },
  ],
  feeds: [
    {
      ...{ entityKey: "entries", displayName: "Entries", description: "Files.", columns: COLUMNS },
      ...{ primaryKey: ["id"], permission: "files.read", sizeClass: "m", first: "feed?at=0" },
      async page(at, { ask }) {
        const answer = await ask({ url: at });
        const next = answer.text("next");
        return {
          records: answer.list("entries", { mayBeAbsent: true }).map((record) => ({ record })),
          next: next && `feed?at=${next}`,
          token: answer.text("token"),
        };
      },
    },
  ],
});

/** @param feed answers to requests of the feed, each once */
async function open(feed: CannedAnswer[] = [], sourceConfig = {}): Promise<{ server: RestServer; source: Source }> {
  const server = await createRestServer();
  onTestFinished(() => server.close());
  server.collections.set("folders", [{ id: 1, name: "root" }]);
  for (const answer of feed) server.interrupt(({ path }) => path === "/feed", answer, 1);
  const source = await provider.connect({
    config: { baseUrl: server.baseUrl },
    sourceConfig: provider.sourceConfigSchema.parse(sourceConfig),
    ...{ secrets: {}, redactor: createRedactor(), shared: createSharedConnection(), egress: LOOPBACK_EGRESS },
    signal: new AbortController().signal,
  });
  onTestFinished(() => source.close());
  return { server, source };
}

async function read(source: Source, entityKey: string) {
  const { spec, slices } = await source.plan({ ...FULL_SCAN, entityKey, keyColumns: ["id"], cursorField: null });
  const request: ReadRequest = {
    ...{ spec, window: slices[0]?.window ?? { by: "none" }, checkpoint: null, batchRows: 1000, batchBytes: 2 ** 20 },
  };
  const tables = [];
  for await (const batch of source.read(request)) tables.push(batch);
  return tables;
}

const page = (body: unknown): CannedAnswer => ({ status: 200, body });

describe("a connector with feeds", () => {
  it("has its other tables as any REST connector, and checks those alone", async () => {
    const { server, source } = await open();
    expect(provider.resources.map(({ entityKey }) => entityKey)).toEqual(["folders", "entries"]);
    const found = await source.discover(null);
    expect(found.map(({ entityKey, changeFeed = false }) => [entityKey, changeFeed])).toEqual([
      ["folders", false],
      ["entries", true],
    ]);
    expect(await source.discover(["entries"])).toHaveLength(1);
    expect(await read(source, "folders")).toMatchObject([{ kind: "rows", rows: [["1", "root", null]] }]);
    expect((await source.check()).every(({ ok }) => ok)).toBe(true);
    expect(server.requests.map(({ path }) => path)).not.toContain("/feed");
  });

  it("reads a feed to its token, without values of columns that the sync leaves out", async () => {
    const pages = [page({ entries: [{ id: 7, name: "a" }], next: 1 }), page({ token: "t1" })];
    const { source } = await open(pages, { resources: { entries: { exclude: ["name"] } } });
    expect(await read(source, "entries")).toMatchObject([
      {
        tables: { entries: { columns: ["id", "name", "_unmapped"], rows: [["7", null, null]] } },
        checkpoint: { cursor: "t1" },
        final: true,
      },
    ]);
  });

  it.each([
    ["a position that has expired", { status: 410 }, { reasonCode: "source_cursor_expired" }],
    ["a permission that is missing", { status: 403 }, { fix: expect.stringContaining("files.read") }],
    ["a list that is none", page({ entries: "x", token: "t" }), { reasonCode: "source_response_invalid" }],
    ["a last page without a token", page({ entries: [] }), { message: expect.stringContaining("has no token") }],
    ["an answer that is no object", page([1]), { reasonCode: "source_response_invalid" }],
  ])("fails at %s, and says so", async (_, answer, expected) => {
    const { source } = await open([answer]);
    await expect(read(source, "entries")).rejects.toMatchObject(expected);
  });

  it("needs a key: without one no deletion finds its row", () => {
    const feed = { entityKey: "a", displayName: "A", description: "A.", columns: COLUMNS, primaryKey: [] };
    const make = () =>
      defineFeedProvider({
        ...{ key: "dropbox", displayName: "Box", connectionSchema: z.strictObject({}), secrets: {}, resources: [] },
        ...{ sourceInstanceKey: () => "", checkPath: "me", api: () => ({ baseUrl: "", auth: { type: "none" } }) },
        feeds: [{ ...feed, sizeClass: "s", first: "", page: () => Promise.reject(new Error("unread")) }],
      });
    expect(make).toThrow(/dropbox: feed a: it has no primaryKey/);
  });
});
