import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { FileMark } from "../../../../providers/batch.ts";
import { readPart } from "../../../../providers/lib/files/parts.ts";
import type { FileStore, ListedFile } from "../../../../providers/lib/files/store.ts";
import { planRequestOf, sourceOf } from "../../../support/file-reading.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const FILES = 200_000;
const PAGE = 1_000;

function fileOf(index: number): ListedFile {
  const path = `exports/day=${Math.floor(index / 5_000)}/part-${String(index).padStart(8, "0")}.csv`;
  const versionToken = `${String(index).padStart(32, "0")}/8`;
  return { fileId: path, path, versionToken, sizeBytes: 8, modifiedAt: "2026-01-01T00:00:00.000Z" };
}

/** Names and versions are parts of a page's text, as those that come out of a parser. */
function storeOf(count: number): FileStore {
  return {
    isOrdered: true,
    idIsPath: true,
    async *list() {
      // `day=10` comes before `day=2`.
      const days = Array.from({ length: Math.ceil(count / 5_000) }, (_, day) => day).sort((a, b) =>
        String(a) < String(b) ? -1 : 1,
      );
      for (const day of days) {
        for (let from = day * 5_000; from < (day + 1) * 5_000; from += PAGE) {
          const files = Array.from({ length: PAGE }, (_, at) => fileOf(from + at));
          const text = files.map(({ path, versionToken }) => `<Key>${path}</Key><ETag>${versionToken}</ETag>`).join("");
          yield [...text.matchAll(/<Key>(.*?)<\/Key><ETag>(.*?)<\/ETag>/g)].map(([, path = "", versionToken = ""]) => ({
            ...{ fileId: path, path, versionToken, sizeBytes: 8, modifiedAt: "2026-01-01T00:00:00.000Z" },
          }));
        }
      }
    },
    stat: async () => null,
    open: async () => Readable.from([Buffer.from("id\n12345")], { objectMode: false }),
  };
}

it("plans many files in little memory, and finds them loaded afterwards", { timeout: 120_000 }, async () => {
  const source = sourceOf(storeOf(FILES), { pathGlob: "exports/**/*.csv" });
  await source.discover(["t"]);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const plan = await source.plan(planRequestOf());
  collectGarbage();
  // Some 110 bytes of text each. As objects they would be four times as many, and hold the pages that they came in.
  expect((process.memoryUsage().heapUsed - before) / FILES).toBeLessThan(200);
  expect(plan.evidence).toMatchObject({ matched: FILES, pending: FILES });

  const marks: FileMark[] = [];
  for (const { window } of plan.slices) {
    const part = window.by === "part" ? readPart(window.part) : null;
    if (part === null || !("files" in part)) throw new Error("a slice has no files");
    for (const { fileId, versionToken } of part.files) {
      marks.push({ fileId, versionToken, status: "loaded", rows: 1, sizeBytes: 8 });
    }
  }
  expect(marks).toHaveLength(FILES);
  const pages = async function* () {
    for (let at = 0; at < FILES; at += 10_000) yield marks.slice(at, at + 10_000);
  };
  const again = await source.plan(planRequestOf({ manifest: { generation: "g1", pages } }));
  expect(again).toMatchObject({ slices: [], evidence: { unchanged: FILES, pending: 0, gone: 0 } });
});
