import { z } from "zod";
import { TransientError } from "../../core/errors.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { Batch } from "../../providers/batch.ts";
import { findProvider } from "../../providers/index.ts";
import { JobLostError, runExportJob } from "../../providers/lib/jobs.ts";
import {
  defineProvider,
  type EntityPlan,
  type EntityReadSpec,
  type EntitySchema,
  type PlanRequest,
  type Provider,
  type ReadRequest,
  type ResourceDeclaration,
  type Source,
} from "../../providers/provider.ts";
import type { DepotJob } from "./depot-server.ts";
import { shelf } from "./shelf-provider.ts";
import { shop } from "./shop-provider.ts";
import { till } from "./till-provider.ts";

/**
 * The connector of `depot-server.ts`, for what no connector of this version has: `changes` is a change feed, which brings their `labels` too, `exports` comes by export jobs,
 * `boxes` is read in parts.
 */
export const DEPOT_ENTITIES = ["changes", "labels", "exports", "boxes"] as const;

const connectionSchema = z.strictObject({
  baseUrl: z.url(),
  /** Jobs are looked for by their name. */
  findsJobs: z.boolean().default(true),
  /** A plan asks whether the token of the feed is still good. */
  asksInPlan: z.boolean().default(false),
});
type Config = z.output<typeof connectionSchema>;

export const depot: Provider = defineProvider<Config, Record<string, unknown>>({
  key: "dropbox",
  displayName: "Depot",
  connectionSchema,
  addressOf: ({ baseUrl }) => ({ baseUrl }),
  secrets: {},
  sourceConfigSchema: z.strictObject({}),
  dynamicResources: false,
  resources: DEPOT_ENTITIES.map(resourceOf),
  sourceInstanceKey: () => "depot",
  connect: ({ config, signal }) => createSource(config, signal),
});

/** As the registry, with the connectors of tests. */
export const findProviderOrDepot: typeof findProvider = (key) =>
  [depot, shop, till, shelf].find((provider) => provider.key === key) ?? findProvider(key);

function resourceOf(entityKey: string): ResourceDeclaration {
  return {
    ...{ entityKey, displayName: entityKey, description: `All ${entityKey}.` },
    ...{ cursorField: null, defaultSelected: true, dependsOn: [], loadMode: "upsert", sizeClass: "s" },
    ...{ slicing: { by: "none" }, storageKind: "postgres", storageDescription: "One row each.", configSchema: null },
  };
}

const COLUMNS = [
  { name: "id", type: "bigint", nullable: false },
  { name: "note", type: "text", nullable: true },
];
const LABEL_COLUMNS = [
  { name: "id", type: "text", nullable: false },
  { name: "thing_id", type: "bigint", nullable: false },
];

interface Page {
  items: { id: number; note?: string; gone?: true }[];
  next: string | number | null;
  token?: string;
}

function createSource({ baseUrl, findsJobs, asksInPlan }: Config, signal: AbortSignal): Source {
  async function ask(method: string, path: string): Promise<Response> {
    try {
      return await fetch(new URL(path, baseUrl), { method, signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw new TransientError("source_unavailable", `depot: ${method} ${path} failed.`, { cause });
    }
  }
  async function get<T>(path: string): Promise<T | null> {
    const response = await ask("GET", path);
    if (response.ok) return (await response.json()) as T;
    if (response.status === 410 || response.status === 404) return null;
    throw new TransientError("source_unavailable", `depot: GET ${path} answered ${response.status}.`);
  }
  const batchOf = ({ items }: Page, checkpoint: Checkpoint, final: boolean): Batch => ({
    kind: "rows",
    columns: ["id", "note"],
    rows: items.flatMap(({ id, note, gone }) => (gone ? [] : [[String(id), note ?? null]])),
    ...{ checkpoint, final },
  });
  /** A thing has one label, which goes with it. */
  const changesOf = (
    page: Page,
    { isStored, members }: EntityReadSpec,
    checkpoint: Checkpoint,
    final: boolean,
  ): Batch => {
    const present = page.items.filter(({ gone }) => !gone);
    const gone = page.items.filter((item) => item.gone).map(({ id }) => [String(id)]);
    const things = {
      columns: ["id", "note"],
      rows: present.map(({ id, note }) => [String(id), note ?? null]),
      ...(gone.length > 0 ? { deletes: { columns: ["id"], rows: gone } } : {}),
    };
    const labels = {
      columns: ["id", "thing_id"],
      rows: present.map(({ id }) => [`label ${id}`, String(id)]),
      sets: { columns: ["thing_id"], rows: page.items.map(({ id }) => [String(id)]) },
    };
    const tables = {
      ...(isStored === false ? {} : { changes: things }),
      ...(members?.length ? { labels } : {}),
    };
    return { kind: "tables", tables, checkpoint, final };
  };

  /** The token of a plan lies in the spec; without one everything is listed. */
  async function* readFeed({ spec, checkpoint }: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    const token = typeof spec.source.token === "string" ? spec.source.token : null;
    let next = typeof checkpoint?.next === "string" ? checkpoint.next : null;
    for (;;) {
      const path =
        token === null ? `/things${next === null ? "" : `?page=${next}`}` : `/changes?token=${next ?? token}`;
      const page = await get<Page>(path);
      if (page === null) throw expired();
      if (page.next === null) return yield changesOf(page, spec, { cursor: page.token }, true);
      next = String(page.next);
      yield changesOf(page, spec, { next }, false);
    }
  }

  async function* download(id: string, position: Checkpoint): AsyncGenerator<Batch, void, undefined> {
    let from = typeof position?.from === "number" ? position.from : 0;
    for (;;) {
      const page = await get<Page>(`/jobs/${id}/rows?from=${from}`);
      if (page === null) throw new JobLostError("its result is gone");
      if (page.next === null) return yield batchOf(page, { from }, true);
      from = Number(page.next);
      yield batchOf(page, { from }, false);
    }
  }

  const find = async (name: string): Promise<string | null> =>
    (await get<{ id: string | null }>(`/jobs?name=${name}`))?.id ?? null;

  function readExport({
    checkpoint,
    sliceName = "",
    isComplete = false,
  }: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    return runExportJob<string>({
      ...{ what: "depot: exports", kind: "export", checkpoint, sliceName },
      ...{ columns: ["id", "note"], hasKey: true, isComplete, most: 2 },
      async create(name) {
        const response = await ask("POST", `/jobs?name=${name}`);
        return ((await response.json()) as { id: string }).id;
      },
      ...(findsJobs ? { find } : {}),
      async poll(ref) {
        const job = await get<Pick<DepotJob, "status">>(`/jobs/${ref}`);
        if (job?.status === "running") return { state: "running", retryAfterSeconds: 1 };
        if (job?.status === "done") return { state: "done", result: ref };
        return { state: "lost", why: `it is ${job?.status ?? "gone"}` };
      },
      download,
    });
  }

  async function* readBox({ window }: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    if (window.by !== "part") throw new Error("boxes are read in parts");
    const page = await get<Page>(`/boxes/${String(window.part.box)}`);
    if (page !== null) yield batchOf(page, null, true);
  }

  return {
    check: async () => [],
    discover: async (keys) => DEPOT_ENTITIES.filter((key) => keys === null || keys.includes(key)).map(schemaOf),
    async plan(request) {
      const { cursorState } = request;
      if (asksInPlan && cursorState !== null && (await get(`/changes?token=${cursorState}`)) === null) throw expired();
      return planOf(request);
    },
    read(request) {
      const { entityKey } = request.spec;
      if (entityKey === "changes") return readFeed(request);
      return entityKey === "exports" ? readExport(request) : readBox(request);
    },
    probe: async () => "none",
    close: async () => undefined,
    async cancelJob({ ref }) {
      const response = await ask("DELETE", `/jobs/${ref}`);
      if (response.ok || response.status === 404) return;
      throw new TransientError("source_unavailable", `depot: the cancel of ${ref} answered ${response.status}.`);
    },
  };
}

function expired(): TransientError {
  return new TransientError("source_cursor_expired", "depot: changes: the token has expired.");
}

function schemaOf(entityKey: (typeof DEPOT_ENTITIES)[number]): EntitySchema {
  return {
    ...{ entityKey, displayName: entityKey, description: "", primaryKeyColumns: ["id"] },
    columns: entityKey === "labels" ? LABEL_COLUMNS : COLUMNS,
    ...{ cursorFields: [], loadMode: "upsert", dependsOn: [], slicing: { by: "none" }, sizeClass: "s" },
    ...{ estimatedRows: null },
    ...(entityKey === "changes" ? { changeFeed: true } : {}),
    ...(entityKey === "labels" ? { childOf: "changes" } : {}),
  };
}

function planOf(request: PlanRequest): EntityPlan {
  const { entityKey, keyColumns, cursorState, scan, resync = false, members = [], isStored = true } = request;
  const of = { keyColumns, cursorField: null, estimatedRowBytes: 100, source: {} };
  const spec: EntityReadSpec = {
    ...{ ...of, entityKey, columns: COLUMNS, source: { token: cursorState } },
    ...(members.length > 0 ? { members: [{ ...of, entityKey: "labels", columns: LABEL_COLUMNS }] } : {}),
    ...(isStored ? {} : { isStored }),
  };
  if (entityKey === "boxes") {
    const slices = [0, 1, 2].map((box) => ({
      ...{ stage: 0 as const, window: { by: "part" as const, part: { box } }, label: `box ${box}` },
    }));
    return { spec, slices, upperBound: null, evidence: { by: "boxes" } };
  }
  const slices = [{ stage: 0 as const, window: { by: "none" as const }, label: "1/1" }];
  if (entityKey === "exports") return { spec, slices, upperBound: null, evidence: { by: "job" } };
  return { spec, slices, upperBound: null, evidence: { by: "feed", scan, resync, cursorFollows: "feed" } };
}
