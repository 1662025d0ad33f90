import type { SourceCheck } from "../../provider.ts";
import { type Found, reportCheck } from "../checks.ts";
import type { FileResource } from "./config.ts";
import { compileResource } from "./resource.ts";
import { FileChangedError, FileGoneError, FileRefusedError, type FileStore, type ListedFile } from "./store.ts";

interface CheckedFiles {
  store: FileStore;
  /** `files` of the sync's config. */
  files: readonly FileResource[];
  /** What the connection shows begins with it; absent: everything. */
  prefix?: string;
}

/** That a file can be listed and read, and then which file each table has. */
export async function checkFiles({ store, files, prefix = "" }: CheckedFiles): Promise<SourceCheck[]> {
  const read = await reportCheck("read", () => readFirst(store, prefix));
  const checks = [read];
  if (!read.ok) return checks;
  for (const table of files) {
    const check = await reportCheck(`resource ${table.name}`, () => findOne(store, table));
    checks.push({ ...check, entityKey: table.name });
  }
  return checks;
}

const MOST_REFUSALS = 20;

/** The first file that can be read, among those of one page. */
async function readFirst(store: FileStore, prefix: string): Promise<string> {
  const refusals: FileRefusedError[] = [];
  for await (const files of store.list({ prefix })) {
    for (const file of files.filter(({ unreadable, sizeBytes }) => unreadable === undefined && sizeBytes !== 0)) {
      try {
        if (await isRead(store, file))
          return [`${file.path} can be read.`, ...refusals.slice(0, 1).map(leftOut)].join(" ");
      } catch (error) {
        if (!(error instanceof FileRefusedError)) throw error;
        refusals.push(error);
        if (refusals.length === MOST_REFUSALS) break;
      }
    }
    break;
  }
  const [refusal] = refusals;
  if (refusal !== undefined) throw refusal;
  return "No file has been read: none is there that has content.";
}

function leftOut({ message }: FileRefusedError): string {
  return `Not every file can be, and runs leave such files out: ${message}`;
}

/** False: it has changed or gone meanwhile, which says nothing. */
async function isRead(store: FileStore, file: ListedFile): Promise<boolean> {
  try {
    const bytes = await store.open(file, { from: 0 });
    bytes.destroy();
    return true;
  } catch (error) {
    if (error instanceof FileChangedError || error instanceof FileGoneError) return false;
    throw error;
  }
}

/** Listings of no end: a check is no place to wait for them. */
const MOST_PAGES = 20;

/** A table without files is no fault of the connection, and more often than not a glob that is not quite right. */
async function findOne(store: FileStore, config: FileResource): Promise<Found> {
  const table = compileResource(config, 0);
  let pages = 0;
  for await (const files of store.list({ prefix: table.prefix })) {
    const first = files.find(table.has);
    if (first !== undefined) return `${first.path} is one of its files.`;
    pages += 1;
    if (pages === MOST_PAGES) return `None of the first files under ${table.prefix} is one of its files.`;
  }
  const fix = "Correct pathGlob: it names the whole path, from the root of what the connection shows.";
  return { what: `No file matches ${config.pathGlob}.`, fix };
}
