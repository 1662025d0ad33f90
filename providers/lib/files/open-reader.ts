import { BrokenBytesError } from "./broken-bytes.ts";
import type { FileResource } from "./config.ts";
import type { CopyBuffers } from "./formats/copy-buffer.ts";
import { type ReaderOptions, readCsv } from "./formats/csv.ts";
import type { CsvMemory } from "./formats/csv-memory.ts";
import { readJson } from "./formats/json.ts";
import { readNdjson } from "./formats/ndjson.ts";
import { FileFault, type RowReader } from "./formats/portion.ts";
import type { CompiledResource } from "./resource.ts";
import type { FileSpec } from "./shape.ts";
import type { ListedFile } from "./store.ts";
import { createFileText, type FileText, type OpenBytes } from "./text.ts";

export interface ReaderInput {
  resource: CompiledResource;
  columns: readonly string[];
  spec: FileSpec;
  file: ListedFile;
  openBytes: OpenBytes;
  buffers: CopyBuffers;
  /** All rows are COPY text. */
  asText: boolean;
  memory: CsvMemory;
  after: ReaderOptions<unknown>["after"];
}

/** @throws FileFault, or what the bytes throw */
export async function openReader(input: ReaderInput): Promise<RowReader> {
  const { resource, columns, spec, file, openBytes, buffers, after, asText, memory } = input;
  const { config, parts } = resource;
  const common = {
    text: textOf(config, openBytes),
    rows: { columns, spec, file, parts: parts.of(file.path) },
    path: file.path,
    maxRecordBytes: config.maxRecordBytes,
    ...{ asText, memory, buffers, after },
  };
  const { format } = config;
  try {
    if (format.type === "json") return await readJson({ ...common, format });
    return await (format.type === "ndjson" ? readNdjson({ ...common, format }) : readCsv({ ...common, format }));
  } catch (cause) {
    if (cause instanceof BrokenBytesError) throw new FileFault(cause.message, { row: 0, offset: 0 }, { cause });
    throw cause;
  }
}

export function textOf(config: FileResource, openBytes: OpenBytes): FileText {
  const { compression, maxExpandedBytes, maxExpansion, format } = config;
  return createFileText(openBytes, { compression, maxExpandedBytes, maxExpansion, encoding: format.encoding });
}
