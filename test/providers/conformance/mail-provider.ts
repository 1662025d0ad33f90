import { z } from "zod";
import { TerminalError, TransientError } from "../../../core/errors.ts";
import type { Cells } from "../../../core/row-list.ts";
import type { Checkpoint } from "../../../core/slices.ts";
import type { Batch, TablesBatch } from "../../../providers/batch.ts";
import {
  type ConnectOptions,
  defineProvider,
  type EntityPlan,
  type EntityReadSpec,
  type PlanRequest,
  type ReadRequest,
  type Source,
} from "../../../providers/provider.ts";

type Config = { baseUrl: string };

/** What the simulator's `mail` gives, by the shortest connector there can be: it shows that the checks of feeds, deletes and children see. */
export const mailProvider = defineProvider<Config, Record<string, unknown>>({
  key: "gmail_inbox",
  displayName: "Acme Mail",
  connectionSchema: z.strictObject({ baseUrl: z.string().startsWith("http://") }),
  addressOf: (config) => config,
  secrets: {},
  sourceConfigSchema: z.strictObject({}),
  dynamicResources: true,
  resources: [],
  sourceInstanceKey: ({ baseUrl }) => new URL(baseUrl).host,
  connect: createSource,
});

export const MESSAGES: EntityReadSpec = {
  entityKey: "messages",
  columns: ["id", "subject", "updated_at"].map((name) => ({ name, type: "text", nullable: name !== "id" })),
  keyColumns: ["id"],
  cursorField: null,
  estimatedRowBytes: 100,
  source: {},
};

export const ATTACHMENTS: EntityReadSpec = {
  ...{ ...MESSAGES, entityKey: "attachments" },
  columns: ["message_id", "id", "name"].map((name) => ({ name, type: "text", nullable: name === "name" })),
};

function createSource({ config, signal }: ConnectOptions<Config, Record<string, unknown>>): Source {
  async function get(path: string): Promise<Record<string, unknown>> {
    let response: Response;
    try {
      response = await fetch(`${config.baseUrl}${path}`, { signal });
      if (response.ok) return (await response.json()) as Record<string, unknown>;
    } catch (cause) {
      signal.throwIfAborted();
      throw new TransientError("source_unavailable", `mail: GET ${path} broke off.`, { cause });
    }
    if (response.status === 410)
      throw new TransientError("source_cursor_expired" as "source_unavailable", "mail: the feed has expired.");
    throw new TransientError("source_unavailable", `mail: GET ${path} answered ${response.status}.`);
  }

  async function attachmentsOf(id: string): Promise<Cells[]> {
    const rows: Cells[] = [];
    for (let from: unknown = 0; from !== null; ) {
      const { items, next } = await get(`/messages/${id}/attachments?from=${from}`);
      rows.push(...(items as Record<string, unknown>[]).map((item) => [id, String(item.id), String(item.name)]));
      from = next ?? null;
    }
    return rows;
  }

  async function* read({ spec, window, checkpoint }: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    if (window.by !== "none") throw new Error("a feed has no windows");
    const { token } = spec.source as { token: string | null };
    let at =
      typeof checkpoint?.next === "string" ? checkpoint.next : token === null ? "/snapshot" : `/changes?token=${token}`;
    if (checkpoint?.cursor !== undefined) return;
    for (;;) {
      const page = await get(at);
      const changed = page.changed as Record<string, unknown>[];
      const rows = changed.map(({ id, subject, updated_at: time }) => [String(id), String(subject), String(time)]);
      const final = page.page === undefined;
      const path = at.startsWith("/snapshot") ? "/snapshot?page=" : "/changes?token=";
      const next: Checkpoint = final ? { cursor: String(page.token) } : { next: `${path}${page.page}` };
      const ids = rows.map(([id]) => String(id));
      const children: Cells[] = [];
      if (spec.members !== undefined) for (const id of ids) children.push(...(await attachmentsOf(id)));
      const deleted = (page.deleted as number[]).map((id) => [String(id)]);
      const columnsOf = ({ columns }: EntityReadSpec): string[] => columns.map(({ name }) => name);
      const batch: TablesBatch = {
        kind: "tables",
        tables: {
          messages: { columns: columnsOf(MESSAGES), rows, deletes: { columns: ["id"], rows: deleted } },
          attachments: {
            ...{ columns: columnsOf(ATTACHMENTS), rows: children },
            sets: { columns: ["message_id"], rows: [...ids.map((id) => [id]), ...deleted] },
          },
        },
        ...{ checkpoint: next, final },
      };
      yield batch as unknown as Batch;
      if (final) return;
      at = String(next?.next);
    }
  }

  return {
    async check() {
      await get("/snapshot");
      return [{ name: "read", ok: true, message: "The feed answers.", fix: "" }];
    },
    discover: async (keys) =>
      [MESSAGES, ATTACHMENTS]
        .filter(({ entityKey }) => keys === null || keys.includes(entityKey))
        .map(({ entityKey, columns, keyColumns }) => ({
          ...{ entityKey, displayName: entityKey, description: "", columns, primaryKeyColumns: keyColumns },
          ...{ cursorFields: [], loadMode: "upsert", dependsOn: [], slicing: { by: "none" }, sizeClass: "s" },
          estimatedRows: null,
        })),
    plan: (request) => planFeed(request, get),
    read,
    probe: async () => "none",
    close: async () => undefined,
  };
}

async function planFeed(
  { entityKey, scan, cursorState, members, resync = false }: PlanRequest,
  get: (path: string) => Promise<unknown>,
): Promise<EntityPlan> {
  if (entityKey !== MESSAGES.entityKey)
    throw new TerminalError("entity_unknown", `mail: there is no ${entityKey}.`, { fix: "Correct the entities." });
  const token = scan === "full" || resync ? null : cursorState;
  // An expired token is found before anything is read.
  if (token !== null) await get(`/changes?token=${token}`);
  return {
    spec: { ...MESSAGES, source: { token }, ...(members === undefined ? {} : { members: [ATTACHMENTS] }) },
    slices: [{ stage: 0, window: { by: "none" }, label: "1/1" }],
    upperBound: null,
    evidence: { by: "feed", cursorFollows: "feed" },
  };
}
