import { describe, expect, it } from "vitest";
import { TransientError } from "../../../../core/errors.ts";
import type { RowsBatch, TablesBatch } from "../../../../providers/batch.ts";
import type { FeedPage, FeedReader, FeedRecord } from "../../../../providers/lib/feeds/feed.ts";
import { type FeedTable, planFeed } from "../../../../providers/lib/feeds/plan-feed.ts";
import { readFeed } from "../../../../providers/lib/feeds/read-feed.ts";
import { toResourceConfig } from "../../../../providers/lib/rest/declared-resource.ts";
import { describeEntity } from "../../../../providers/lib/rest/entity-description.ts";
import { shapeRecords } from "../../../../providers/lib/rest/record-shape.ts";
import type { PlanRequest, ReadRequest } from "../../../../providers/provider.ts";
import { FULL_SCAN } from "../../conformance/reader.ts";

const config = toResourceConfig(
  { key: "dropbox" },
  {
    ...{ entityKey: "notes", displayName: "Notes", description: "Notes.", path: "", sizeClass: "s" },
    ...{ columns: { id: "text", body: "text" }, primaryKey: ["id"], otherFields: "ignore" },
  },
);
const shape = shapeRecords(config, [], null);
const table = { schema: { ...describeEntity(config, shape), changeFeed: true as const }, shape, first: "start" };

const row = (id: string, body: string): FeedRecord => ({ record: { id, body } });
const gone = (id: string): FeedRecord => ({ record: { id }, isDeleted: true });
const page = (next: string | null, ...records: FeedRecord[]): FeedPage => ({
  ...{ records, next, bytes: 10 },
  ...(next === null ? { token: "token-1" } : {}),
});

function readerOf(pages: Record<string, FeedPage | Error>): FeedReader & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async page(at) {
      asked.push(at);
      const found = pages[at];
      if (found === undefined) throw new Error(`nobody asks for ${at}`);
      if (found instanceof Error) throw found;
      return found;
    },
  };
}

const planned = (changes: Partial<PlanRequest> = {}, of: FeedTable = table) =>
  planFeed(
    "dropbox",
    of,
    { ...FULL_SCAN, entityKey: "notes", keyColumns: ["id"], cursorField: null, ...changes },
    undefined,
  );

async function read(reader: FeedReader, changes: Partial<ReadRequest> = {}, plan = planned()) {
  const request: ReadRequest = {
    ...{ spec: plan.spec, window: { by: "none" }, checkpoint: null, batchRows: 1000, batchBytes: 2 ** 30 },
    ...changes,
  };
  const batches: (RowsBatch | TablesBatch)[] = [];
  const batchesOf = readFeed("dropbox", reader, request, new AbortController().signal);
  const error = await (async () => {
    for await (const batch of batchesOf) batches.push(batch);
    return null;
  })().catch((thrown: unknown) => thrown);
  return { batches, error };
}

const notesOf = (batch: RowsBatch | TablesBatch | undefined) =>
  batch?.kind === "tables" ? batch.tables.notes : undefined;

describe("a feed", () => {
  it("gives of several records with one key the last one alone, whatever came before", async () => {
    const reader = readerOf({
      start: page("p2", row("a", "old"), gone("b"), row("c", "c1"), row("d", "d1")),
      p2: page(null, row("a", "new"), row("b", "back"), gone("c"), gone("e")),
    });
    const { batches } = await read(reader);
    expect(batches).toHaveLength(1);
    expect([...(notesOf(batches[0])?.rows ?? [])]).toEqual([
      ["a", "new"],
      ["b", "back"],
      ["d", "d1"],
    ]);
    expect(notesOf(batches[0])?.deletes).toEqual({ columns: ["id"], rows: [["c"], ["e"]] });
    expect(batches[0]).toMatchObject({ checkpoint: { cursor: "token-1" }, final: true });
  });

  it("does not end at an empty page, and goes on from any page", async () => {
    const pages = { start: page("p2", row("a", "1")), p2: page("p3"), p3: page("p4"), p4: page(null, row("b", "2")) };
    const whole = await read(readerOf(pages), { batchRows: 1 });
    expect(whole.batches.map(({ checkpoint }) => checkpoint)).toEqual([{ at: "p2" }, { cursor: "token-1" }]);
    const rest = readerOf(pages);
    const { batches } = await read(rest, { checkpoint: { at: "p3" } });
    expect(rest.asked).toEqual(["p3", "p4"]);
    expect([...(notesOf(batches[0])?.rows ?? [])]).toEqual([["b", "2"]]);
    expect((await read(rest, { checkpoint: { cursor: "token-1" } })).batches).toEqual([]);
  });

  it("tells the deletion of what holds others with the last batch, since something may leave it later, and keeps it in each checkpoint", async () => {
    const folders = planned({}, { ...table, within: "body" });
    const leaf = { ...gone("file"), isLeaf: true };
    const pages = {
      start: page("p2", gone("trip"), gone("back"), leaf),
      p2: page("p3", row("photos", "root")),
      p3: page("p4", row("back", "root")),
      p4: page(null, row("other", "root")),
    };
    const { batches } = await read(readerOf(pages), { batchRows: 1 }, folders);
    expect(batches.map((batch) => notesOf(batch)?.deletes?.rows ?? [])).toEqual([[["file"]], [], [], [["trip"]]]);
    expect(notesOf(batches[3])?.deletes).toMatchObject({ within: "body" });
    expect(batches.map(({ checkpoint }) => checkpoint)).toEqual([
      { at: "p2", held: [["trip"], ["back"]] },
      { at: "p3", held: [["trip"], ["back"]] },
      { at: "p4", held: [["trip"]] },
      { cursor: "token-1" },
    ]);
    const rest = await read(readerOf(pages), { batchRows: 1, checkpoint: batches[1]?.checkpoint ?? null }, folders);
    expect(rest.batches.map((batch) => notesOf(batch)?.deletes?.rows ?? [])).toEqual([[], [["trip"]]]);
  });

  it("is compared as a whole where it tells more such deletions than a checkpoint should hold", async () => {
    const many = Array.from({ length: 5001 }, (_, n) => gone(`folder-${n}`));
    const reader = readerOf({ start: page("p2", ...many), p2: page(null) });
    const { error } = await read(
      reader,
      {},
      planned({ scan: "incremental", cursorState: "start" }, { ...table, within: "body" }),
    );
    expect(error).toMatchObject({ reasonCode: "source_cursor_expired" });
  });

  it("gives what was read before a failure, and says what failed", async () => {
    const expired = new TransientError("source_cursor_expired", "expired");
    const { batches, error } = await read(readerOf({ start: page("p2", row("a", "1")), p2: expired }));
    expect(batches).toMatchObject([{ checkpoint: { at: "p2" }, final: false }]);
    expect(error).toBe(expired);
  });

  it("that goes round in a circle ends", async () => {
    const { error } = await read(readerOf({ start: page("p2"), p2: page("start") }));
    expect(error).toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("rejects a record that can be no row, and a deletion that has no key", async () => {
    const reader = readerOf({
      start: page(null, { record: { id: "a" }, fault: "It is half." }, { record: {}, isDeleted: true }, row("b", "1")),
    });
    const { batches } = await read(reader);
    expect(notesOf(batches[0])?.rejects).toEqual([
      { column: null, reason: "It is half.", record: '{"id":"a"}' },
      { column: "id", reason: "The key is empty.", record: "{}" },
    ]);
    expect([...(notesOf(batches[0])?.rows ?? [])]).toEqual([["b", "1"]]);
  });

  it("begins at its token, and at the start where that is of no use", () => {
    expect(planned().spec.source).toMatchObject({ first: "start", isFeed: true });
    const resumed = { scan: "incremental" as const, cursorState: "token-0" };
    expect(planned(resumed).spec.source).toMatchObject({ first: "token-0" });
    expect(planned({ ...resumed, resync: true }).spec.source).toMatchObject({ first: "start" });
    expect(planned(resumed).evidence).toMatchObject({ cursorFollows: "feed", from: "token" });
  });

  it("reads the columns that are asked for, and no others", async () => {
    const plan = planned({ columns: ["id"] });
    expect(plan.spec.columns.map(({ name }) => name)).toEqual(["id"]);
    const { batches } = await read(readerOf({ start: page(null, row("a", "secret")) }), {}, plan);
    expect(notesOf(batches[0])).toMatchObject({ columns: ["id"] });
    expect([...(notesOf(batches[0])?.rows ?? [])]).toEqual([["a"]]);
  });

  it("a listing ends without a token, and is not read again", async () => {
    const { changeFeed: _, ...schema } = table.schema;
    const plan = planned({}, { ...table, schema } as typeof table);
    const reader = readerOf({ start: { records: [row("a", "1")], next: null, bytes: 1 } });
    const { batches } = await read(reader, {}, plan);
    expect(batches).toMatchObject([{ kind: "rows", checkpoint: { done: true }, final: true }]);
    expect((await read(reader, { checkpoint: { done: true } }, plan)).batches).toEqual([]);
  });
});
