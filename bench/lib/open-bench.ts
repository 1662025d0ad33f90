import pg from "pg";
import { createSluiceClient, type SluiceClient, unwrap, waitForRun } from "../../client/index.ts";
import type { StackInfo } from "../../scripts/lib/stack.ts";
import type { Bench } from "./bench.ts";
import { SCHEMA } from "./syncs.ts";

type Asked = Pick<
  Bench,
  "rows" | "runs" | "seconds" | "large" | "peersScript" | "say" | "workerMetricsUrl" | "furtherWorkerEnv"
>;

/** On a stack that runs. @param asked what the command line says */
export async function openBench(
  info: StackInfo,
  signal: AbortSignal,
  asked: Asked,
): Promise<Bench & { close(): Promise<void> }> {
  const source = new pg.Pool({ connectionString: info.demoSourceUrl, max: 2 });
  const warehouse = new pg.Pool({ connectionString: info.warehouseUrl, max: 2 });
  // The worker starts beside the API, and is asked for before it is up.
  const sluice = createSluiceClient({ baseUrl: info.apiUrl, retryForSeconds: 60 });
  await removeLeftovers(sluice, warehouse, signal);
  const connectionId = await connectSource(sluice, info.demoSourceUrl);
  return {
    ...{ info, sluice, source, warehouse, signal, connectionId, ...asked },
    async close() {
      await source.end();
      await warehouse.end();
    },
  };
}

/** A bench that was interrupted leaves syncs whose runs go on, and take the slots of what is measured now. */
async function removeLeftovers(sluice: SluiceClient, warehouse: pg.Pool, signal: AbortSignal): Promise<void> {
  const left: string[] = [];
  for (;;) {
    const { syncs } = await unwrap(sluice.GET("/api/v1/syncs", { params: { query: { limit: 100 } } }));
    if (syncs.length === 0) break;
    for (const { id } of syncs) {
      const path = { sync_id: id };
      const { runs } = await unwrap(
        sluice.GET("/api/v1/syncs/{sync_id}/runs", { params: { path, query: { limit: 5 } } }),
      );
      left.push(...runs.filter(({ completedAt }) => completedAt === null).map((run) => run.id));
      await unwrap(sluice.DELETE("/api/v1/syncs/{sync_id}", { params: { path } }));
    }
  }
  for (const id of left) await waitForRun(sluice, id, { signal });
  await warehouse.query(`drop schema if exists ${SCHEMA} cascade`);
}

async function connectSource(sluice: SluiceClient, sourceUrl: string): Promise<string> {
  const { hostname, port, pathname, username, password } = new URL(sourceUrl);
  const { id } = await unwrap(
    sluice.POST("/api/v1/connections", {
      body: {
        name: `bench ${new Date().toISOString()}`,
        provider: "postgres",
        config: {
          ...{ host: hostname, port: Number(port || 5432), database: pathname.slice(1) },
          ...{ user: decodeURIComponent(username), sslMode: "disable" },
        },
        secrets: { password: decodeURIComponent(password) },
      },
    }),
  );
  return id;
}
