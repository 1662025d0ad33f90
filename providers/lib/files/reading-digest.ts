import { isDeepStrictEqual } from "node:util";
import { shortHash } from "../../../core/naming.ts";
import type { FileResource } from "./config.ts";

/**
 * A digest of the settings that decide which rows a file has, and whether it can be read. It is kept with what is loaded, and where it is another one,
 * all files are read again. So it must not change with a release: a setting that means what it always meant is left out of it.
 *
 * A new setting gets a line in `USUAL` with the value that means what was done before. A line never changes, also when the default of the schema does.
 * `VERSION` changes where files have to be read again because they are read otherwise.
 */
const VERSION = 1;

const USUAL: Readonly<Record<string, unknown>> = {
  compression: "auto",
  pathParts: undefined,
  maxRecordBytes: 16 * 1024 ** 2,
  maxExpandedBytes: 1024 ** 4,
  maxExpansion: 1000,
  "csv.delimiter": ",",
  "tsv.delimiter": "\t",
  quote: '"',
  escape: null,
  header: true,
  columns: undefined,
  encoding: "auto",
  nullValues: [""],
  skipRows: 0,
  columnTypes: {},
  recordPath: undefined,
};

export function digestOfReading(config: FileResource): string {
  const { format, compression, pathParts, maxRecordBytes, maxExpandedBytes, maxExpansion } = config;
  const all = { ...format, compression, pathParts, maxRecordBytes, maxExpandedBytes, maxExpansion };
  const unusual = Object.entries(all).filter(([name, value]) => !isUsual(`${format.type}.${name}`, name, value));
  return `${VERSION}:${shortHash(JSON.stringify(unusual.map(([name, value]) => [name, inOrder(value)]).sort(byName)))}`;
}

function isUsual(ofType: string, name: string, value: unknown): boolean {
  return isDeepStrictEqual(value, ofType in USUAL ? USUAL[ofType] : USUAL[name]);
}

/** The order of members means nothing. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value).sort(byName);
}

function byName([a]: readonly unknown[], [b]: readonly unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}
