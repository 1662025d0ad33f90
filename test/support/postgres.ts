import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { createDb, type Db } from "../../db/client.ts";

/** A migrated control database that is only copied from, never written to. */
export const CONTROL_TEMPLATE = "control_template";

export interface TestDatabase {
  url: string;
  /** Ends whatever sessions are left in it. */
  drop(): Promise<void>;
}

/** An empty database of the caller's own. */
export function createTestDatabase(): Promise<TestDatabase> {
  return create("template0");
}

/** A migrated control database of the caller's own. */
export function createControlDatabase(): Promise<TestDatabase> {
  return create(CONTROL_TEMPLATE);
}

/** Runs `work` with a connected client and closes it afterwards. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  // A test may end this session from outside; the query that is open then rejects by itself.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Pool errors are of no interest: tests break connections on purpose, and the queries that notice reject. */
export function openDb(url: string): Db {
  return createDb({ url, maxConnections: 5, onPoolError: () => undefined });
}

async function create(template: string): Promise<TestDatabase> {
  const serverUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copying files beats logging every page: a test database is small, and there are many.
  await withClient(serverUrl, (client) =>
    client.query(`create database ${name} template ${template} strategy file_copy`),
  );
  const url = new URL(serverUrl);
  url.pathname = name;
  return {
    url: url.href,
    drop: () =>
      withClient(serverUrl, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}
