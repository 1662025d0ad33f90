import { describe, expect, it } from "vitest";
import { batchesOf } from "../../../../providers/lib/files/batches.ts";
import { createCopyBuffers } from "../../../../providers/lib/files/formats/copy-buffer.ts";
import type { Item } from "../../../../providers/lib/files/items.ts";
import { startOf } from "../../../../providers/lib/files/parts.ts";

/** A row of COPY's binary format with one cell, in which a byte looks like the end of a line. */
const BINARY_ROW = Buffer.from([0, 1, 0, 0, 0, 2, 0x0a, 0x41]);

function fileOf(index: number): Item[] {
  const fileId = `${index}.csv`;
  const file = { fileId, path: fileId, versionToken: "v", sizeBytes: 8, modifiedAt: null };
  const portion = { format: "binary" as const, lines: BINARY_ROW, rows: 1, rejects: [], rowNumber: 1, offset: null };
  return [{ kind: "portion", portion, file, position: startOf(index) }, endOf(index)];
}

function endOf(index: number, status: "loaded" | "gone" = "loaded"): Item {
  const mark = { fileId: `${index}.csv`, versionToken: "v", status, rows: 1, sizeBytes: 8 };
  return { kind: "end", mark, version: status === "gone" ? null : "v", position: startOf(index + 1) };
}

async function read(items: readonly Item[]) {
  async function* source() {
    yield* items;
  }
  const found = { binaryBytes: 0, textRows: 0, files: 0 };
  const limits = { rows: 1_000_000, bytes: 1_000_000_000 };
  const options = { columns: ["id"], limits, buffers: createCopyBuffers(), staleBy: ["_file_path", "_file_version"] };
  for await (const batch of batchesOf(source(), options)) {
    if (batch.kind === "rows") found.textRows += batch.rows.length;
    else if (batch.kind === "copy") {
      // Header and trailer are no rows.
      found.binaryBytes -= 21;
      for await (const chunk of batch.stream) found.binaryBytes += chunk.length;
    }
    found.files += batch.files?.filter(({ status }) => status !== "loading").length ?? 0;
  }
  return found;
}

describe("batches of files in COPY's binary format", () => {
  it("hold every row of more files than one batch has", async () => {
    const items = Array.from({ length: 20_001 }, (_, index) => fileOf(index)).flat();
    expect(await read(items)).toEqual({ binaryBytes: 20_001 * BINARY_ROW.length, textRows: 0, files: 20_001 });
  });

  it("hold every row behind a file that is gone", async () => {
    const items = [endOf(0, "gone"), ...fileOf(1)];
    expect(await read(items)).toEqual({ binaryBytes: BINARY_ROW.length, textRows: 0, files: 2 });
  });
});
