import { onTestFinished } from "vitest";
import { TransientError } from "../../../core/errors.ts";
import { createRedactor } from "../../../core/redact.ts";
import type { Cells } from "../../../core/row-list.ts";
import type { Checkpoint } from "../../../core/slices.ts";
import type { Batch, TableRows } from "../../../providers/batch.ts";
import { defineGraphqlProvider } from "../../../providers/lib/graphql/define-graphql-provider.ts";
import type { EntityPlan, PlanRequest, Source } from "../../../providers/provider.ts";
import { shopifyDeclaration } from "../../../providers/shopify/index.ts";
import type { ShopSettings } from "../../simulators/shopify/settings.ts";
import { createShop, SHOP_TOKEN } from "../../simulators/shopify/shopify.ts";
import { createSimulator, type Simulator } from "../../simulators/simulator.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { FULL_SCAN } from "../conformance/reader.ts";

export interface ReadSlice {
  batches: Batch[];
  warnings: string[];
  last: Checkpoint;
}

/** A simulated shop and the connector at it. */
export async function openShop({
  settings = {},
  config = {},
  secrets = { accessToken: SHOP_TOKEN },
  mostRecords = 25_000,
}: {
  settings?: Partial<ShopSettings>;
  config?: Record<string, unknown> | ((simulator: Simulator) => Record<string, unknown>);
  secrets?: Record<string, string>;
  mostRecords?: number;
} = {}) {
  const shop = createShop({
    bucket: { maximumAvailable: 100_000, restoreRate: 100_000 },
    ...{ bulkSeconds: 0, searchLagSeconds: 0, ...settings },
  });
  const simulator = await createSimulator([shop]);
  onTestFinished(() => simulator.close());
  const provider = defineGraphqlProvider({ ...shopifyDeclaration, mostRecords });
  const shared = createSharedConnection(secrets);

  async function connect(): Promise<Source> {
    const source = await provider.connect({
      config: provider.connectionSchema.parse({
        ...{ shop: "simulated.myshopify.com", baseUrl: simulator.baseUrl("shopify"), bulk: "never" },
        ...(typeof config === "function" ? config(simulator) : config),
      }),
      sourceConfig: { resources: {} },
      ...{ secrets, redactor: createRedactor(), shared, egress: LOOPBACK_EGRESS },
      signal: new AbortController().signal,
    });
    onTestFinished(() => source.close());
    return source;
  }
  const source = await connect();

  async function plan(entityKey: string, changes: Partial<PlanRequest> & { children?: string[] } = {}) {
    const keys = [entityKey, ...(changes.children ?? [])];
    const entities = await source.discover(keys);
    const [lead, ...members] = keys.map((key) => entities.find((each) => each.entityKey === key));
    if (lead === undefined) throw new Error(`${entityKey} was not found`);
    const { children: _, ...others } = changes;
    return source.plan({
      ...FULL_SCAN,
      ...{ entityKey, keyColumns: lead.primaryKeyColumns, cursorField: lead.cursorFields[0] ?? null },
      ...(members.length === 0
        ? {}
        : {
            members: members.map((member) => ({
              entityKey: member?.entityKey ?? "",
              keyColumns: member?.primaryKeyColumns ?? [],
            })),
          }),
      ...others,
    });
  }

  /** All slices; jobs that run are waited for. */
  async function read(
    planned: EntityPlan,
    from: Checkpoint = null,
    stopAfter = Number.POSITIVE_INFINITY,
    /** Gets each checkpoint, for a read that fails. */
    reached: Checkpoint[] = [],
  ): Promise<ReadSlice> {
    const batches: Batch[] = [];
    const warnings: string[] = [];
    let last: Checkpoint = from;
    for (const { window } of planned.slices) {
      last = from;
      for (let done = false, waits = 0; !done; waits += 1) {
        try {
          const request = {
            ...{
              spec: planned.spec,
              window,
              checkpoint: JSON.parse(JSON.stringify(last)),
              batchRows: 50,
              batchBytes: 1e9,
            },
            warn: async (message: string) => void warnings.push(message),
          };
          for await (const batch of source.read(request)) {
            batches.push(batch);
            last = batch.checkpoint;
            reached.push(last);
            if (batches.length >= stopAfter) return { batches, warnings, last };
          }
          done = true;
        } catch (error) {
          if (!(error instanceof TransientError) || error.reasonCode !== "source_job_running" || waits > 50)
            throw error;
        }
      }
    }
    return { batches, warnings, last };
  }

  return { shop, simulator, provider, source, connect, plan, read };
}

/** What batches have for one table. */
export function tableOf({ batches }: ReadSlice, entityKey: string, isLead = false) {
  const tables = batches.flatMap((batch): Omit<TableRows, "checkpoint">[] => {
    if (batch.kind === "tables") return [batch.tables[entityKey] ?? []].flat();
    return batch.kind === "rows" && isLead ? [batch] : [];
  });
  const rows = tables.flatMap(({ columns, rows: list }) =>
    [...list].map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null]))),
  );
  return {
    rows,
    ids: [...new Set(rows.map(({ id }) => id))].sort(),
    deletes: tables.flatMap(({ deletes }): Cells[] => [...(deletes?.rows ?? [])]),
    sets: tables.flatMap(({ sets }): Cells[] => [...(sets?.rows ?? [])]),
    rejects: tables.flatMap(({ rejects = [] }) => rejects),
  };
}
