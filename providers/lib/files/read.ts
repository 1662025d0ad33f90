import type { Batch, RowsBatch } from "../../batch.ts";
import type { ReadRequest } from "../../provider.ts";
import { batchesOf } from "./batches.ts";
import type { FileEngine } from "./engine.ts";
import { createCopyBuffers } from "./formats/copy-buffer.ts";
import { createCsvMemory } from "./formats/csv-memory.ts";
import { readItems } from "./items.ts";
import { type Part, readPart, readPosition, startOf } from "./parts.ts";
import { countRefusedFiles } from "./refused-files.ts";
import type { CompiledResource } from "./resource.ts";
import { FILE_COLUMNS, type FileSpec, fileSpecSchema } from "./shape.ts";

/**
 * The files of one part, one after the other. What was committed is not given again: reading goes on in the middle of a file, where it is
 * plain text from there on, and otherwise by passing over the records that are loaded.
 */
export async function* readFiles(engine: FileEngine, request: ReadRequest): AsyncGenerator<Batch, void, undefined> {
  const { window, checkpoint, batchRows, batchBytes } = request;
  const resource = engine.resource(request.spec.entityKey);
  if (resource === undefined) throw new Error(`${engine.place}: nothing declares ${request.spec.entityKey}.`);
  if (window.by !== "part")
    throw new Error(`${request.spec.entityKey} is made of files, and the window is none of it.`);
  const part = readPart(window.part);
  const spec = fileSpecSchema.parse(request.spec.source);
  const columns = request.spec.columns.map(({ name }) => name);
  const start = readPosition(checkpoint);
  if ("gone" in part) {
    if (start.file === 0) yield marksOf(part, { resource, spec, columns });
    return;
  }
  const buffers = createCopyBuffers();
  const stopped = new AbortController();
  const refused = countRefusedFiles();
  const items = readItems(
    {
      ...{ store: engine.store, place: engine.place, resource, columns, spec, buffers, memory: createCsvMemory() },
      signal: AbortSignal.any([engine.signal, stopped.signal]),
      files: part.files,
      refused,
      portionRows: batchRows,
      // Asked for after a fault in the data: the rest of the slice may have more of them.
      asText: request.asText !== undefined,
    },
    start,
  );
  try {
    const limits = { rows: batchRows, bytes: batchBytes };
    yield* batchesOf(items, {
      columns,
      limits,
      buffers,
      staleBy: spec.replacesFiles ? [spec.fileColumn, FILE_COLUMNS.version] : null,
    });
  } finally {
    // Otherwise the end would wait for bytes that nobody needs.
    stopped.abort();
    await items.return();
    // Also where the slice ends early: its next try does not come to these files again.
    for (const sentence of refused.sentences()) await request.warn?.(sentence, "source.files_left_out");
  }
}

/** Files of which nothing is read. */
function marksOf(
  { gone, ignored }: Extract<Part, { gone: unknown }>,
  { resource, spec, columns }: { resource: CompiledResource; spec: FileSpec; columns: string[] },
): RowsBatch {
  const removes = spec.replacesFiles && resource.config.onGone === "remove";
  return {
    kind: "rows",
    ...{ columns, rows: [], checkpoint: startOf(1), final: true },
    files: [
      ...gone.map((fileId) => ({ fileId, versionToken: "", status: "gone" as const, rows: 0, sizeBytes: null })),
      ...ignored.map(({ fileId, versionToken, sizeBytes, why }) => ({
        ...{ fileId, versionToken, sizeBytes, status: "ignored" as const, rows: 0, error: why },
      })),
    ],
    ...(removes
      ? { stale: { columns: [spec.fileColumn, FILE_COLUMNS.version], rows: gone.map((fileId) => [fileId, null]) } }
      : {}),
  };
}
