import { Readable } from "node:stream";
import { isProviderError, TransientError } from "../../core/errors.ts";
import { asFileRefusal, FileChangedError, FileGoneError, type FileStore, type ListedFile } from "../lib/files/store.ts";
import { isObject, type JsonObject } from "../lib/http/json.ts";
import { download } from "./download.ts";
import { FILE_FIELDS, isFile, isOfVersion, partsOf, toListedFile } from "./drive-files.ts";
import { createFolderPaths } from "./folder-paths.ts";
import { type Graph, goesRound } from "./graph.ts";
import { isGoneFromSource } from "./graph-errors.ts";
import { type Drive, type SiteCatalog, textOf } from "./site-catalog.ts";

const PAGE_SIZE = 1000;
/** Of a listing that is kept while the source is open: discovery and the plans of several globs need the same one. */
const MOST_KEPT_FILES = 100_000;
/** Of a listing that Graph ends on its way. */
const MOST_LISTINGS = 3;
/** A file that comes later is of the next run. */
const KEPT_MS = 5 * 60_000;

/** The files of all drives that the connection offers. */
export function createFileStore(graph: Graph, catalog: SiteCatalog): FileStore {
  /** Null where it is gone. */
  async function itemOf(driveId: string, itemId: string): Promise<JsonObject | null> {
    try {
      const { body } = await graph.get({
        ...{ doing: "a look at one file", cost: "item", query: [["$select", FILE_FIELDS]] },
        url: `drives/${encodeURIComponent(driveId)}/items/${encodeURIComponent(itemId)}`,
      });
      return body;
    } catch (error) {
      if (isGoneFromSource(error)) return null;
      throw error;
    }
  }

  /**
   * Delta without a token: nothing else is complete while others write. https://learn.microsoft.com/graph/api/driveitem-delta
   * Where it ends on its way (410), it is listed anew: a file that went meanwhile is found gone when it is read, or by the next listing.
   */
  async function* listDrive(drive: Drive): AsyncGenerator<ListedFile[], void> {
    for (let tries = 1; ; tries++) {
      try {
        return yield* listOnce(drive);
      } catch (error) {
        if (!isProviderError(error) || error.reasonCode !== "source_cursor_expired") throw error;
        if (tries === MOST_LISTINGS) throw unended(drive.name, "Graph has ended the listing again and again");
      }
    }
  }

  async function* listOnce(drive: Drive): AsyncGenerator<ListedFile[], void> {
    const paths = createFolderPaths((id) => itemOf(drive.id, id));
    let at: string | null = `drives/${encodeURIComponent(drive.id)}/root/delta`;
    let isFirst = true;
    const passed = new Set<string>();
    while (at !== null) {
      const page = await graph.page({
        ...{ doing: `files of ${drive.name}`, cost: isFirst ? "enumeration" : "delta", url: at },
        ...(isFirst ? { query: [["$select", FILE_FIELDS] as const, ["$top", String(PAGE_SIZE)] as const] } : {}),
      });
      const items = page.items.filter(isObject);
      for (const item of items) paths.note(item);
      const files: ListedFile[] = [];
      for (const item of items.filter(isFile)) {
        const parent = isObject(item.parentReference) ? textOf(item.parentReference.id) : "";
        const folder = await paths.pathOf(parent);
        // Its folder went while it was listed, and the file with it.
        if (folder !== null) files.push(toListedFile(item, drive.id, `${drive.name}/${folder}${textOf(item.name)}`));
      }
      if (files.length > 0) yield files;
      at = page.nextLink;
      isFirst = false;
      if (at === null && page.deltaLink === null)
        throw unended(drive.name, "a page names no next one and is not the last one");
      if (at !== null && passed.has(at)) throw goesRound(`files of ${drive.name}`);
      if (at !== null) passed.add(at);
    }
  }

  const kept = new Map<string, { files: ListedFile[]; until: number }>();

  /** As `listDrive`, and not again where it has just been listed. */
  async function* filesOf(drive: Drive): AsyncGenerator<ListedFile[], void> {
    const before = kept.get(drive.id);
    if (before !== undefined && before.until > Date.now()) return yield before.files;
    let files: ListedFile[] | null = [];
    const until = Date.now() + KEPT_MS;
    for await (const page of listDrive(drive)) {
      if (files !== null && files.length + page.length <= MOST_KEPT_FILES) files.push(...page);
      else files = null;
      yield page;
    }
    if (files !== null) kept.set(drive.id, { files, until });
  }

  async function stat({ fileId, path }: Pick<ListedFile, "fileId" | "path">): Promise<ListedFile | null> {
    const { driveId, itemId } = partsOf(fileId);
    const item = await itemOf(driveId, itemId);
    return item !== null && isFile(item) ? toListedFile(item, driveId, path) : null;
  }

  /** @throws FileChangedError, FileGoneError */
  async function requireVersion(file: ListedFile): Promise<void> {
    const { driveId, itemId } = partsOf(file.fileId);
    const now = await itemOf(driveId, itemId);
    if (now === null || !isFile(now)) throw new FileGoneError(`${file.path} is gone.`);
    if (!isOfVersion(now, file.versionToken)) throw new FileChangedError(`${file.path} has another version now.`);
  }

  return {
    isOrdered: false,
    idIsPath: false,
    async *list({ prefix }) {
      for (const drive of await catalog.allDrives()) {
        const root = `${drive.name}/`;
        if (!root.startsWith(prefix) && !prefix.startsWith(root)) continue;
        for await (const files of filesOf(drive)) {
          const wanted = files.filter(({ path }) => path.startsWith(prefix));
          if (wanted.length > 0) yield wanted;
        }
      }
    },
    stat: (file) =>
      stat(file).catch((error: unknown) => {
        throw asFileRefusal(error);
      }),
    async open(file, { from }) {
      const { driveId, itemId } = partsOf(file.fileId);
      const options = {
        url: `drives/${encodeURIComponent(driveId)}/items/${encodeURIComponent(itemId)}/content`,
        ...{ doing: `content of ${file.path}`, sizeBytes: file.sizeBytes },
        requireSame: () => requireVersion(file),
      };
      // What is wrong from the start is told before anybody reads.
      const bytes = await download(graph, options, from).catch((error: unknown) => {
        throw asFileRefusal(error);
      });
      return Readable.from(refusing(bytes), { objectMode: false, highWaterMark: 64 * 1024 });
    },
  };
}

async function* refusing(bytes: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  try {
    yield* bytes;
  } catch (error) {
    throw asFileRefusal(error);
  }
}

/** What was not listed would count as deleted. */
function unended(name: string, how: string): TransientError {
  return new TransientError("source_response_invalid", `msft_sharepoint: files of ${name} failed: ${how}.`, {
    ofEntity: true,
  });
}
