import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { FileChangedError, FileGoneError, type FileStore, type ListedFile } from "../../providers/lib/files/store.ts";

/** Files below a directory. Their version is their size and time, to the nanosecond. */
export function directoryStore(root: string): FileStore {
  const listed = async (path: string): Promise<ListedFile | null> => {
    try {
      const { size, mtimeNs, mtime } = await stat(join(root, path), { bigint: true });
      return {
        ...{ fileId: path, path, versionToken: `${size}-${mtimeNs}`, sizeBytes: Number(size) },
        modifiedAt: mtime.toISOString(),
      };
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  };
  return {
    isOrdered: false,
    idIsPath: true,
    async *list({ prefix }) {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const paths = entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        .filter((path) => path.startsWith(prefix));
      const files = await Promise.all(paths.map(listed));
      yield files.flatMap((file) => file ?? []);
    },
    stat: ({ path }) => listed(path),
    async open(file, { from }) {
      const now = await listed(file.path);
      if (now === null) throw new FileGoneError(file.path);
      if (now.versionToken !== file.versionToken) throw new FileChangedError(file.path);
      return createReadStream(join(root, file.path), { start: from, highWaterMark: 256 * 1024 });
    },
  };
}

/** What a file in memory does wrong. */
export interface FileFaults {
  /** Called when the file is opened, before anything else. */
  onOpen?: () => void | Promise<void>;
  /** Called before each chunk. */
  onChunk?: (offset: number) => void | Promise<void>;
  /** The body ends there, without an error. */
  cutAt?: number;
  /** Of one chunk; 64 KiB. */
  chunkBytes?: number;
  /** What the listing says instead of the true size. */
  listedSize?: number | null;
  unreadable?: string;
  modifiedAt?: string | null;
}

export interface MemoryStore extends FileStore {
  put(path: string, content: string | Buffer, faults?: FileFaults): void;
  remove(path: string): void;
  /** How often each file was opened. */
  opened: Map<string, number>;
  /** Streams that are open. */
  openNow(): number;
}

/** Files in memory, in order, listed two a page. The version is a hash of the content. */
export function memoryStore(): MemoryStore {
  const files = new Map<string, { content: Buffer; version: string; faults: FileFaults }>();
  const opened = new Map<string, number>();
  let open = 0;
  const versionOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex").slice(0, 16);
  const listed = (path: string): ListedFile | null => {
    const file = files.get(path);
    if (file === undefined) return null;
    const { listedSize, unreadable, modifiedAt = "2026-01-01T00:00:00Z" } = file.faults;
    return {
      ...{ fileId: path, path, versionToken: file.version, modifiedAt },
      sizeBytes: listedSize === undefined ? file.content.length : listedSize,
      ...(unreadable === undefined ? {} : { unreadable }),
    };
  };

  async function* bytes(path: string, version: string, from: number): AsyncGenerator<Buffer, void> {
    open += 1;
    try {
      for (let at = from; ; ) {
        const file = files.get(path);
        await file?.faults.onChunk?.(at);
        const now = files.get(path);
        if (now === undefined) throw new FileGoneError(path);
        if (now.version !== version) throw new FileChangedError(path);
        const end = Math.min(now.content.length, now.faults.cutAt ?? Number.POSITIVE_INFINITY);
        if (at >= end) return;
        const next = Math.min(end, at + (now.faults.chunkBytes ?? 64 * 1024));
        yield now.content.subarray(at, next);
        at = next;
      }
    } finally {
      open -= 1;
    }
  }

  return {
    isOrdered: true,
    idIsPath: true,
    opened,
    openNow: () => open,
    put(path, content, faults = {}) {
      const bytes = Buffer.from(content);
      files.set(path, { content: bytes, version: versionOf(bytes), faults });
    },
    remove: (path) => void files.delete(path),
    async *list({ prefix, after }) {
      const paths = [...files.keys()]
        .filter((path) => path.startsWith(prefix))
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .filter((path) => after === undefined || Buffer.compare(Buffer.from(path), Buffer.from(after)) > 0);
      for (let at = 0; at < paths.length; at += 2) yield paths.slice(at, at + 2).flatMap((path) => listed(path) ?? []);
    },
    stat: async ({ path }) => listed(path),
    async open(file, { from }) {
      opened.set(file.path, (opened.get(file.path) ?? 0) + 1);
      await files.get(file.path)?.faults.onOpen?.();
      const now = listed(file.path);
      if (now === null) throw new FileGoneError(file.path);
      if (now.versionToken !== file.versionToken) throw new FileChangedError(file.path);
      return Readable.from(bytes(file.path, file.versionToken, from), { objectMode: false });
    },
  };
}
