import { Readable } from "node:stream";
import { z } from "zod";
import { TransientError } from "../../core/errors.ts";
import type { Batch, FileMark } from "../../providers/batch.ts";
import {
  defineProvider,
  type EntityPlan,
  type EntitySchema,
  type PlanRequest,
  type Provider,
  type ReadRequest,
  type Source,
} from "../../providers/provider.ts";
import type { Book } from "./shelf-server.ts";

/** The connector of `shelf-server.ts`: one entity that is made of files, as a connector of files loads them, file by file. */

export const BOOKS = "books";

const connectionSchema = z.strictObject({
  baseUrl: z.url(),
  /** How batches come. */
  kind: z.enum(["rows", "copy", "tables"]).default("rows"),
  /** Files of one slice. */
  sliceFiles: z.int().default(2),
});
type Config = z.output<typeof connectionSchema>;

export const shelf: Provider = defineProvider<Config, Record<string, unknown>>({
  key: "mlflow",
  displayName: "Shelf",
  connectionSchema,
  addressOf: ({ baseUrl }) => ({ baseUrl }),
  secrets: {},
  sourceConfigSchema: z.strictObject({}),
  dynamicResources: false,
  resources: [
    {
      ...{ entityKey: BOOKS, displayName: BOOKS, description: "All books." },
      ...{ cursorField: null, defaultSelected: true, dependsOn: [], loadMode: "upsert", sizeClass: "s" },
      ...{ slicing: { by: "file" }, storageKind: "postgres", storageDescription: "One row each.", configSchema: null },
    },
  ],
  sourceInstanceKey: () => "shelf",
  connect: ({ config, signal }) => createSource(config, signal),
});

const SCHEMA: EntitySchema = {
  ...{ entityKey: BOOKS, displayName: BOOKS, description: "", primaryKeyColumns: ["_file_id", "_row_number"] },
  columns: [
    { name: "note", type: "text", nullable: true },
    { name: "_file_id", type: "text", nullable: false },
    { name: "_file_version", type: "text", nullable: false },
    { name: "_row_number", type: "bigint", nullable: false },
  ],
  ...{ cursorFields: [], loadMode: "upsert", dependsOn: [], slicing: { by: "file" }, sizeClass: "s" },
  ...{ estimatedRows: null, files: true },
};

const WORTH_A_LATE_KEY = { enforcedKeys: [SCHEMA.primaryKeyColumns], estimatedRows: 1_000_000 };

const COLUMNS = SCHEMA.columns.map(({ name }) => name);

function createSource({ baseUrl, kind, sliceFiles }: Config, signal: AbortSignal): Source {
  async function get<T>(path: string): Promise<T | null> {
    try {
      const response = await fetch(new URL(encodeURIComponent(path), baseUrl), { signal });
      return (await response.json()) as T | null;
    } catch (cause) {
      signal.throwIfAborted();
      throw new TransientError("source_unavailable", `shelf: GET /${path} failed.`, { cause });
    }
  }

  async function plan({ manifest, keyColumns, scan, cursorState }: PlanRequest): Promise<EntityPlan> {
    if (manifest === undefined) throw new Error("books are planned by their manifest");
    const listed = new Map((await get<{ id: string; version: string }[]>(""))?.map(({ id, version }) => [id, version]));
    const gone: string[] = [];
    const known = new Map<string, FileMark>();
    for await (const page of manifest.pages()) {
      for (const mark of page) {
        known.set(mark.fileId, mark);
        if (!listed.has(mark.fileId) && mark.status !== "gone") gone.push(mark.fileId);
      }
    }
    const isLoaded = ([id, version]: [string, string]) => {
      const mark = known.get(id);
      return mark?.status === "loaded" && mark.versionToken === version;
    };
    const changed = [...listed].filter((file) => !isLoaded(file)).map(([id]) => id);
    const parts: { files: string[] }[] = [];
    for (let at = 0; at < changed.length; at += sliceFiles) parts.push({ files: changed.slice(at, at + sliceFiles) });
    if (gone.length > 0) parts.push({ files: gone });
    return {
      spec: {
        entityKey: BOOKS,
        columns: SCHEMA.columns,
        keyColumns,
        cursorField: null,
        estimatedRowBytes: 50,
        source: {},
      },
      slices: parts.map((part, index) => ({
        ...{ stage: 0, window: { by: "part", part }, label: `${index + 1}/${parts.length}` },
      })),
      upperBound: manifest.generation,
      evidence: { by: "files", matched: listed.size, changed: changed.length, gone: gone.length, scan, cursorState },
    };
  }

  /** A file that changes while it is read is read again from its start. */
  async function* read({ spec, window, checkpoint, batchRows }: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    const { files } = (window.by === "part" ? window.part : {}) as { files: string[] };
    let { file = 0, row = 0, version = "" } = (checkpoint ?? {}) as { file?: number; row?: number; version?: string };
    while (file < files.length) {
      const id = files[file] ?? "";
      const book = await get<Book>(id);
      const from = book?.version === version ? row : 0;
      const to = Math.min(from + batchRows, book?.notes.length ?? 0);
      const isWhole = book === null || to === book.notes.length;
      const rows = (book?.notes ?? [])
        .slice(from, to)
        .map((note, at) => [note, id, book?.version ?? "", String(from + at + 1)]);
      [file, row, version] = isWhole ? [file + 1, 0, ""] : [file, to, book?.version ?? ""];
      const mark: FileMark = {
        ...{ fileId: id, versionToken: book?.version ?? "", rows: to, sizeBytes: null },
        status: book === null ? "gone" : isWhole ? "loaded" : "loading",
      };
      // Merged by another key, rows do not belong to a file.
      const replaces = spec.keyColumns.join() === SCHEMA.primaryKeyColumns.join();
      const gone = { columns: ["_file_id", "_file_version"], rows: [[id, book?.version ?? null]] };
      const stale = isWhole && replaces ? { stale: gone } : {};
      const end = { checkpoint: { file, row, version }, final: file === files.length, files: [mark] };
      if (kind === "tables") yield { kind, tables: { [BOOKS]: { columns: COLUMNS, rows, ...stale } }, ...end };
      else if (kind === "rows") yield { kind, columns: COLUMNS, rows, ...stale, ...end };
      else {
        const stream = Readable.from([Buffer.from(rows.map((cells) => `${cells.join("\t")}\n`).join(""))]);
        yield { kind, format: "text", columns: COLUMNS, stream, ...stale, ...end };
      }
    }
  }

  return {
    check: async () => [],
    // Of batches by COPY, the first load gets its key at the end.
    discover: async () => [kind === "copy" ? { ...SCHEMA, ...WORTH_A_LATE_KEY } : SCHEMA],
    ...{ plan, read },
    probe: async () => "none",
    close: async () => undefined,
  };
}
