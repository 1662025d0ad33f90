import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { createDb, type Db } from "../../db/client.ts";

/** A migrated control database that is only copied from, never written to. */
export const CONTROL_TEMPLATE = "control_template";

export interface TestDatabase {
  url: string;
  /** Ends whatever sessions are left in it. */
  drop(): Promise<void>;
}

/** An empty database of the caller's own. @param encoding absent: UTF-8 */
export function createTestDatabase(encoding?: string): Promise<TestDatabase> {
  return create("template0", encoding === undefined ? "" : `encoding '${encoding}' locale 'C'`);
}

/** A migrated control database of the caller's own. */
export function createControlDatabase(): Promise<TestDatabase> {
  return create(CONTROL_TEMPLATE);
}

/**
 * A migrated control database for the tests of the file or `describe` that calls this; gone after them.
 * @param begin gets a pool to it before the first test
 * @returns its `url`, once it is there
 */
export function useControlDatabase(begin: (db: Db) => void | Promise<void> = () => undefined): {
  readonly url: string;
} {
  const opened: { database?: TestDatabase; db?: Db } = {};
  beforeAll(async () => {
    opened.database = await createControlDatabase();
    opened.db = openDb(opened.database.url);
    await begin(opened.db);
  });
  afterAll(async () => {
    await opened.db?.destroy();
    await opened.database?.drop();
  });
  return {
    get url() {
      if (!opened.database) throw new Error("There is no database before the first test.");
      return opened.database.url;
    },
  };
}

/** Runs `work` with a connected client and closes it afterwards. @param prepare called before it connects */
export async function withClient<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
  prepare: (client: pg.Client) => void = () => undefined,
): Promise<T> {
  const client = new pg.Client(url);
  prepare(client);
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

async function create(template: string, options = ""): Promise<TestDatabase> {
  const serverUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copying files beats logging every page: a test database is small, and there are many.
  await withClient(serverUrl, (client) =>
    client.query(`create database ${name} template ${template} strategy file_copy ${options}`),
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
