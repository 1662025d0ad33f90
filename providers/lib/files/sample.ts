import { isObject, type JsonObject, type JsonValue, parseJson } from "../http/json.ts";
import { BrokenBytesError } from "./broken-bytes.ts";
import type { FileResource } from "./config.ts";
import { bytesOf, type FileAccess } from "./file-bytes.ts";
import { openCsv } from "./formats/csv-cursor.ts";
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
 * @throws FileFault, ProviderError
 */
export async function sampleFile(
  access: FileAccess,
  { config }: CompiledResource,
  file: ListedFile,
): Promise<Sample | null> {
  let text: OpenText | null = null;
  try {
    text = await textOf(config, bytesOf(access, file)).open(0);
    return await (isDelimited(config) ? sampleDelimited(text, config) : sampleJson(text, config));
  } catch (error) {
    if (error instanceof FileChangedError || error instanceof FileGoneError) return null;
    if (error instanceof BrokenBytesError) {
      throw new FileFault(error.message, { row: 0, offset: 0 }, { cause: error });
    }
    throw error;
  } finally {
    await text?.close();
  }
}

type Delimited = FileResource & { format: Extract<FileResource["format"], { type: "csv" | "tsv" }> };

function isDelimited(config: FileResource): config is Delimited {
  return config.format.type === "csv" || config.format.type === "tsv";
}

async function sampleDelimited(text: OpenText, { format, maxRecordBytes }: Delimited): Promise<Sample> {
  const cursor = await openCsv(text, format, maxRecordBytes);
  const values = new Map<string, JsonValue[]>();
  const start = cursor.nextOffset();
  let rows = 0;
  while (rows < MOST_ROWS && cursor.nextOffset() - start < MOST_BYTES) {
    const found = cursor.find();
    if (found === "end") break;
    if (found === "more") {
      await cursor.fill(rows + 1);
      continue;
    }
    rows += 1;
    // A ragged row says nothing of any column.
    if (cursor.scan.isTorn || cursor.scan.cellCount !== cursor.ids.length) continue;
    for (const [index, cell] of cellTexts(cursor.scan, cursor.marks, format.nullValues).entries()) {
      const id = cursor.ids[index];
      if (cell !== null && cell !== "" && id !== undefined) addTo(values, id, cell);
    }
  }
  return { ids: cursor.ids, values, rows, bytes: cursor.nextOffset() - start };
}

async function sampleJson(text: OpenText, { format, maxRecordBytes }: FileResource): Promise<Sample> {
  const held = holdBytes(text, maxRecordBytes);
  const records: JsonRecords = format.type === "json" ? findElements(held, format.recordPath) : findLines(held);
  const values = new Map<string, JsonValue[]>();
  let [rows, bytes] = [0, 0];
  while (rows < MOST_ROWS && bytes < MOST_BYTES) {
    const found = records.find(rows + 1);
    if (found === "end") break;
    if (found === "more") {
      await records.fill(rows + 1);
      continue;
    }
    rows += 1;
    bytes += found.bytes.length;
    for (const [id, value] of Object.entries(recordOf(found.bytes) ?? {})) {
      if (value !== null) addTo(values, id, value);
      else if (!values.has(id)) values.set(id, []);
    }
  }
  return { ids: [...values.keys()], values, rows, bytes };
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
