import { randomUUID } from "node:crypto";
import type { ProviderKey } from "../../core/vocabulary.ts";
import { type Row, tableOf, trigger, type World, whenChainEnded } from "./world.ts";

/** Set-up and questions that tests share whose source is a vendor in this process: the depot, the shop, or a simulator. */

export interface VendorConnection {
  provider: ProviderKey;
  baseUrl: string;
  /** Besides `baseUrl`. */
  config?: Row;
  secrets?: Row;
}

/** @returns its id */
export async function connectVendor(world: World, connection: VendorConnection): Promise<string> {
  const { provider, baseUrl, config = {}, secrets = {} } = connection;
  const { status, body } = await world.api("POST", "/connections", {
    ...{ name: `${provider} ${randomUUID()}`, provider, secrets },
    config: { baseUrl, ...config },
  });
  if (status !== 201) throw new Error(`the connection was answered with ${status}: ${JSON.stringify(body)}`);
  return body.id;
}

export interface VendorSync {
  connectionId: string;
  entities: readonly string[];
  tableBindings?: { entityKey: string; [field: string]: unknown }[];
  /** Besides a schema of its own. */
  destinationConfig?: Row;
  /** Besides a heartbeat that is missed after 5 s, and no attempt that follows by itself. */
  executionConfig?: Row;
}

export function createVendorSync(world: World, asked: VendorSync): Promise<Row> {
  const { connectionId, entities, tableBindings = [], destinationConfig = {}, executionConfig = {} } = asked;
  return world.createSync({
    ...{ connectionId, entities: [...entities], tableBindings },
    destinationConfig: { schema: `s${randomUUID().slice(0, 8)}`, ...destinationConfig },
    executionConfig: { heartbeatTimeoutSeconds: 5, maxAutoResumeAttempts: 0, ...executionConfig },
  } as Parameters<World["createSync"]>[0]);
}

/** @returns the last run of its chain */
export async function runToEnd(world: World, sync: Row, body: Row = {}, timeoutMs?: number): Promise<Row> {
  return whenChainEnded(world, (await trigger(world, sync.id, body)).id, timeoutMs);
}

export async function countRows(world: World, sync: Row, entityKey: string, where = "true"): Promise<number> {
  const [row] = await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, entityKey)} where ${where}`);
  return row?.rows;
}

/** One line of text for each row, in their order. */
export async function linesOf(
  world: World,
  sync: Row,
  entityKey: string,
  { columns, where = "true" }: { columns: readonly string[]; where?: string },
): Promise<string[]> {
  const line = columns.map((name) => `coalesce(${name}::text, '-')`).join(` || ' ' || `);
  const rows = await world.warehouse(`select ${line} as line from ${tableOf(sync, entityKey)} where ${where}`);
  return rows.map(({ line: text }) => text).sort();
}

/** All that the entity had, the oldest first. */
export async function cursorsOf(world: World, sync: Row, entityKey: string): Promise<(string | null)[]> {
  const states = world.db.selectFrom("cursorStates").select("cursor").where("syncId", "=", sync.id);
  const ofEntity = await states.where("entityKey", "=", entityKey).orderBy("version").execute();
  return ofEntity.map(({ cursor }) => cursor);
}
