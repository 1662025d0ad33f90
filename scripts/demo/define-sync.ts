import { type SluiceClient, type Sync, unwrap } from "../../client/index.ts";
import { SHOP_TABLES } from "./shop-tables.ts";

const CONNECTION_NAME = "Demo shop";
const SYNC_SLUG = "demo-shop";

export const ENTITIES = SHOP_TABLES.map((table) => `shop.${table.name}`);

/** The demo's connection, pointed at the present source and checked, and its sync; made when missing. */
export async function defineSync(sluice: SluiceClient, sourceUrl: string): Promise<{ sync: Sync; isNew: boolean }> {
  const connectionId = await defineConnection(sluice, sourceUrl);
  const existing = await findSync(sluice);
  if (existing !== null) return { sync: existing, isNew: false };
  const sync = await unwrap(
    sluice.POST("/api/v1/syncs", {
      body: {
        connectionId,
        name: "Demo shop",
        slug: SYNC_SLUG,
        status: "active",
        entities: ENTITIES,
        executionMode: "fan_out_window",
        // Whoever kills the worker to see what happens should not have to wait a minute for it.
        executionConfig: { heartbeatTimeoutSeconds: 15 },
        // Events are only ever added: their own time is the cursor.
        tableBindings: [{ entityKey: "shop.inventory_events", loadMode: "append_event", cursorField: "occurred_at" }],
      },
    }),
  );
  return { sync, isNew: true };
}

/** The demo's sync, or null before the first demo. */
export async function findSync(sluice: SluiceClient): Promise<Sync | null> {
  const { syncs } = await unwrap(sluice.GET("/api/v1/syncs", { params: { query: { q: SYNC_SLUG } } }));
  return syncs.find(({ slug }) => slug === SYNC_SLUG) ?? null;
}

/** @returns its id */
async function defineConnection(sluice: SluiceClient, sourceUrl: string): Promise<string> {
  const source = new URL(sourceUrl);
  const settings = {
    config: {
      host: source.hostname,
      port: Number(source.port),
      database: source.pathname.slice(1),
      user: source.username,
      sslMode: "disable",
    },
    secrets: { password: decodeURIComponent(source.password) },
  };
  const query = { q: CONNECTION_NAME };
  const { connections } = await unwrap(sluice.GET("/api/v1/connections", { params: { query } }));
  const known = connections.find(({ name }) => name === CONNECTION_NAME);
  const { id } = await unwrap(
    known === undefined
      ? sluice.POST("/api/v1/connections", { body: { name: CONNECTION_NAME, provider: "postgres", ...settings } })
      : sluice.PATCH("/api/v1/connections/{connection_id}", {
          params: { path: { connection_id: known.id } },
          body: settings,
        }),
  );
  const checked = await unwrap(
    sluice.POST("/api/v1/connections/{connection_id}/check", { params: { path: { connection_id: id } } }),
  );
  if (checked.status !== "ok") throw new Error(`the connection's check failed: ${JSON.stringify(checked.checks)}`);
  return id;
}
