import type { SyncJson } from "../../api/schemas/syncs.ts";
import type { Api } from "./api.ts";
import { SHOP_TABLES } from "./shop-tables.ts";

const CONNECTION_NAME = "Demo shop";
export const SYNC_SLUG = "demo-shop";

export const ENTITIES = SHOP_TABLES.map((table) => `shop.${table.name}`);

/** The demo's connection, pointed at the present source and checked, and its sync; made when missing. */
export async function defineSync(api: Api, sourceUrl: string): Promise<{ sync: SyncJson; isNew: boolean }> {
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
  const known = await api.findConnection(CONNECTION_NAME);
  const { id } =
    known === null
      ? await api.createConnection({ name: CONNECTION_NAME, provider: "postgres", ...settings })
      : await api.updateConnection(known.id, settings);
  const connection = await api.checkConnection(id);
  if (connection.status !== "ok")
    throw new Error(`the connection's check failed: ${JSON.stringify(connection.checks)}`);

  const existing = await api.findSync(SYNC_SLUG);
  if (existing !== null) return { sync: existing, isNew: false };
  const sync = await api.createSync({
    connectionId: id,
    name: "Demo shop",
    slug: SYNC_SLUG,
    status: "active",
    entities: ENTITIES,
    executionMode: "fan_out_window",
    // Whoever kills the worker to see what happens should not have to wait a minute for it.
    executionConfig: { heartbeatTimeoutSeconds: 15 },
    // Events are only ever added: their own time is the cursor.
    tableBindings: [{ entityKey: "shop.inventory_events", loadMode: "append_event", cursorField: "occurred_at" }],
  });
  return { sync, isNew: true };
}
