import { isObject, type JsonObject, type JsonValue, parseJson } from "../http/json.ts";
import { BrokenBytesError } from "./broken-bytes.ts";
import type { FileResource } from "./config.ts";
import { bytesOf, type FileAccess } from "./file-bytes.ts";
import { openCsv } from "./formats/csv-cursor.ts";
import { createCsvMemory } from "./formats/csv-memory.ts";
import { cellTexts } from "./formats/csv-rows.ts";
import { holdBytes } from "./formats/held-bytes.ts";
import { findElements } from "./formats/json.ts";
import type { JsonRecords } from "./formats/json-reader.ts";
import { findLines } from "./formats/ndjson.ts";
import { FileFault } from "./formats/portion.ts";
import { textOf } from "./open-reader.ts";
import type { CompiledResource } from "./resource.ts";
import { FileChangedError, FileGoneError, type ListedFile } from "./store.ts";
import type { OpenText } from "./text.ts";

/** The beginning of a file, to see its columns by. */
export interface Sample {
  /** What its columns are called, in their order. */
  ids: string[];
  /** Of each column the values that are not null. Text, where the format has nothing else. */
  values: Map<string, JsonValue[]>;
  rows: number;
  bytes: number;
}

/** Of a file, unpacked. */
const MOST_BYTES = 256 * 1024;
const MOST_ROWS = 1000;

/**
 * @returns null where the file has changed or is gone meanwhile
 * @throws FileFault where no record of it can be read, ProviderError
 */
export async function sampleFile(
  access: FileAccess,
  { config }: CompiledResource,
  file: ListedFile,
): Promise<Sample | null> {
  const sample: Sample = { ids: [], values: new Map(), rows: 0, bytes: 0 };
  let text: OpenText | null = null;
  try {
    text = await textOf(config, bytesOf(access, file)).open(0);
    await (isDelimited(config) ? sampleDelimited(text, config, sample) : sampleJson(text, config, sample));
  } catch (error) {
    if (error instanceof FileChangedError || error instanceof FileGoneError) return null;
    if (error instanceof BrokenBytesError) throw new FileFault(error.message, { row: 0, offset: 0 }, { cause: error });
    // A file that breaks off shows its columns all the same; reading says what is wrong with it.
    if (!(error instanceof FileFault && sample.rows > 0)) throw error;
  } finally {
    await text?.close();
  }
  return sample;
}

type Delimited = FileResource & { format: Extract<FileResource["format"], { type: "csv" | "tsv" }> };

function isDelimited(config: FileResource): config is Delimited {
  return config.format.type === "csv" || config.format.type === "tsv";
}

async function sampleDelimited(text: OpenText, { format, maxRecordBytes }: Delimited, sample: Sample): Promise<void> {
  const cursor = await openCsv(text, format, { maxRecordBytes, memory: createCsvMemory() });
  const start = cursor.nextOffset();
  sample.ids = cursor.ids;
  while (sample.rows < MOST_ROWS && sample.bytes < MOST_BYTES) {
    const found = cursor.find();
    if (found === "end") return;
    if (found === "more") {
      await cursor.fill(sample.rows + 1);
      continue;
    }
    sample.rows += 1;
    sample.bytes = cursor.nextOffset() - start;
    // A ragged row says nothing of any column.
    if (cursor.scan.isTorn || cursor.scan.cellCount !== cursor.ids.length) continue;
    for (const [index, cell] of cellTexts(cursor.scan, cursor.marks, format.nullValues).entries()) {
      const id = cursor.ids[index];
      // Quotes or not: where a column turns out to be no text, both are NULL.
      if (cell !== "" && id !== undefined) addTo(sample.values, id, cell);
    }
  }
}

async function sampleJson(text: OpenText, { format, maxRecordBytes }: FileResource, sample: Sample): Promise<void> {
  const held = holdBytes(text, maxRecordBytes);
  const records: JsonRecords = format.type === "json" ? findElements(held, format.recordPath) : findLines(held);
  const { values } = sample;
  let objects = 0;
  while (sample.rows < MOST_ROWS && sample.bytes < MOST_BYTES) {
    const found = records.find(sample.rows + 1);
    if (found === "end") break;
    if (found === "more") {
      await records.fill(sample.rows + 1);
      continue;
    }
    sample.rows += 1;
    sample.bytes += found.bytes.length;
    const record = recordOf(found.bytes);
    if (record !== null) objects += 1;
    for (const [id, value] of Object.entries(record ?? {})) {
      if (value !== null) addTo(values, id, value);
      else if (!values.has(id)) values.set(id, []);
    }
    sample.ids = [...values.keys()];
  }
  if (sample.rows === 0 || objects > 0) return;
  sample.rows = 0;
  const hint = format.type === "ndjson" ? "; one JSON object has to be on each line" : "";
  throw new FileFault(`has no JSON object among its first records${hint}`, { row: 1, offset: 0 });
}

/** Null for what is no record: reading rejects it. */
function recordOf(bytes: Buffer): JsonObject | null {
  try {
    const value = parseJson(bytes.toString("utf8"));
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function addTo(values: Map<string, JsonValue[]>, id: string, value: JsonValue): void {
  const known = values.get(id);
  if (known === undefined) values.set(id, [value]);
  else known.push(value);
}
