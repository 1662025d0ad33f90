import { z } from "zod";
import { TransientError } from "../../core/errors.ts";
import type { Cells } from "../../core/row-list.ts";
import type { TableRows, TablesBatch } from "../../providers/batch.ts";
import {
  defineProvider,
  type EntityPlan,
  type EntityReadSpec,
  type EntitySchema,
  type PlanRequest,
  type Provider,
  type ReadRequest,
  type Source,
  type SourceColumn,
} from "../../providers/provider.ts";
import type { ShopPage, StoredOrder } from "./shop-server.ts";

/** The connector of `shop-server.ts`: `orders`, and `lines` and `notes` that come with them. */
export const SHOP_ENTITIES = ["orders", "lines", "notes"] as const;
type ShopEntity = (typeof SHOP_ENTITIES)[number];

const connectionSchema = z.strictObject({ baseUrl: z.url() });
type Config = z.output<typeof connectionSchema>;

export const shop: Provider = defineProvider<Config, Record<string, unknown>>({
  key: "rydership",
  displayName: "Shop",
  connectionSchema,
  addressOf: ({ baseUrl }) => ({ baseUrl }),
  secrets: {},
  sourceConfigSchema: z.strictObject({}),
  dynamicResources: false,
  resources: SHOP_ENTITIES.map((entityKey) => ({
    ...{ entityKey, displayName: entityKey, description: `All ${entityKey}.` },
    ...{ cursorField: null, defaultSelected: true, dependsOn: [], loadMode: "upsert", sizeClass: "s" },
    ...{ slicing: { by: "none" }, storageKind: "postgres", storageDescription: "One row each.", configSchema: null },
    ...(entityKey === "orders" ? {} : { childOf: "orders" }),
  })),
  sourceInstanceKey: () => "shop",
  connect: ({ config, signal }) => createSource(config, signal),
});

const TIME = "timestamp with time zone";
const CHILD_COLUMNS: SourceColumn[] = [
  { name: "id", type: "bigint", nullable: false },
  { name: "order_id", type: "bigint", nullable: false },
  { name: "order_updated_at", type: TIME, nullable: true },
  { name: "text", type: "text", nullable: true },
];
const COLUMNS: Record<ShopEntity, SourceColumn[]> = {
  orders: [
    { name: "id", type: "bigint", nullable: false },
    { name: "note", type: "text", nullable: true },
    { name: "updated_at", type: TIME, nullable: true },
  ],
  lines: CHILD_COLUMNS,
  notes: CHILD_COLUMNS,
};

function createSource({ baseUrl }: Config, signal: AbortSignal): Source {
  async function get<T>(path: string): Promise<T> {
    try {
      const response = await fetch(new URL(path, baseUrl), { signal });
      return (await response.json()) as T;
    } catch (cause) {
      signal.throwIfAborted();
      throw new TransientError("source_unavailable", `shop: GET ${path} failed.`, { cause });
    }
  }

  async function* read({ spec, checkpoint }: ReadRequest): AsyncGenerator<TablesBatch, void, undefined> {
    const since = typeof spec.source.since === "string" ? spec.source.since : "";
    let from = typeof checkpoint?.from === "number" ? checkpoint.from : 0;
    for (;;) {
      const page = await get<ShopPage>(`/orders?since=${since}&from=${from}`);
      from = page.next ?? from;
      yield { kind: "tables", tables: tablesOf(page, spec), checkpoint: { from }, final: page.next === null };
      if (page.next === null) return;
    }
  }

  return {
    check: async () => [],
    discover: async (keys) => SHOP_ENTITIES.filter((key) => keys === null || keys.includes(key)).map(schemaOf),
    plan: async (request) => planOf(request, (await get<{ now: string }>("/now")).now),
    read,
    probe: async () => "none",
    close: async () => undefined,
  };
}

function schemaOf(entityKey: ShopEntity): EntitySchema {
  return {
    ...{ entityKey, displayName: entityKey, description: "", columns: COLUMNS[entityKey], primaryKeyColumns: ["id"] },
    ...{ cursorFields: entityKey === "orders" ? ["updated_at"] : [], loadMode: "upsert", dependsOn: [] },
    ...{ slicing: { by: "none" }, sizeClass: "s", estimatedRows: null },
    ...(entityKey === "orders" ? {} : { childOf: "orders" }),
  };
}

function planOf(request: PlanRequest, now: string): EntityPlan {
  const { entityKey, keyColumns, cursorState, isStored = true, members = [], scan } = request;
  if (entityKey !== "orders") throw new Error(`shop: ${entityKey} comes with its orders`);
  const specOf = (key: string, columns: string[] | undefined, keys: string[]): EntityReadSpec => ({
    ...{ entityKey: key, keyColumns: keys, cursorField: null, estimatedRowBytes: 100, source: {} },
    columns: COLUMNS[key as ShopEntity].filter(({ name }) => columns?.includes(name) ?? true),
  });
  return {
    spec: {
      ...{ ...specOf(entityKey, request.columns, keyColumns), source: { since: cursorState } },
      members: members.map((member) => specOf(member.entityKey, member.columns, member.keyColumns)),
      ...(isStored ? {} : { isStored }),
    },
    slices: [{ stage: 0, window: { by: "none" }, label: "1/1" }],
    upperBound: now,
    evidence: { by: "cursor", scan, from: cursorState, to: now },
  };
}

function tablesOf({ orders, deleted }: ShopPage, spec: EntityReadSpec): TablesBatch["tables"] {
  const tables: TablesBatch["tables"] = {};
  if (spec.isStored !== false) {
    const rows = orders.map(({ id, note, updatedAt }) => rowOf(spec, { id, note, updated_at: updatedAt }));
    const deletes = { columns: ["id", "updated_at"], rows: deleted.map(({ id, at }) => [String(id), at]) };
    tables.orders = { columns: spec.columns.map(({ name }) => name), rows, ...(deleted.length > 0 ? { deletes } : {}) };
  }
  for (const member of spec.members ?? []) tables[member.entityKey] = childrenOf(orders, deleted, member);
  return tables;
}

/** The children of an order come whole. Those of one that was deleted are the empty set. */
function childrenOf(orders: StoredOrder[], deleted: ShopPage["deleted"], spec: EntityReadSpec): TableRows {
  const rows = orders.flatMap((order) =>
    (spec.entityKey === "lines" ? order.lines : order.notes).map(({ id, text }) =>
      rowOf(spec, { id, text, order_id: order.id, order_updated_at: order.updatedAt }),
    ),
  );
  const sets = [
    ...orders.map(({ id, updatedAt }): Cells => [String(id), updatedAt]),
    ...deleted.map(({ id, at }): Cells => [String(id), at]),
  ];
  return {
    columns: spec.columns.map(({ name }) => name),
    rows,
    sets: { columns: ["order_id", "order_updated_at"], rows: sets },
  };
}

function rowOf({ columns }: EntityReadSpec, record: Record<string, unknown>): Cells {
  return columns.map(({ name }) => (record[name] === undefined ? null : String(record[name])));
}
