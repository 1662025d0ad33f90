import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { createDb, type Db } from "../../db/client.ts";
import { spareDatabase, takeSpareDatabase } from "./spare-databases.ts";

/** A migrated control database that is only copied from, never written to. */
export const CONTROL_TEMPLATE = "control_template";

export interface TestDatabase {
  url: string;
  /** Ends whatever sessions are left in it. */
  drop(): Promise<void>;
}

/** An empty database of the caller's own. @param encoding absent: UTF-8 */
export async function createTestDatabase(encoding?: string): Promise<TestDatabase> {
  if (encoding !== undefined) return create("template0", `encoding '${encoding}' locale 'C'`);
  const name = await withServer(
    async (server) => (await takeSpareDatabase(server)) ?? (await createFrom(server, "template0")),
  );
  const url = urlOf(name);
  return {
    url,
    drop: () =>
      withServer(async (server) => {
        if (!(await spareDatabase(server, url))) await dropDatabase(server, name);
      }),
  };
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

async function create(template: string, options?: string): Promise<TestDatabase> {
  const name = await withServer((server) => createFrom(server, template, options));
  return { url: urlOf(name), drop: () => withServer((server) => dropDatabase(server, name)) };
}

function withServer<T>(work: (server: pg.Client) => Promise<T>): Promise<T> {
  return withClient(inject("postgresUrl"), work);
}

async function createFrom(server: pg.Client, template: string, options = ""): Promise<string> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copying files beats logging every page: a test database is small, and there are many.
  await server.query(`create database ${name} template ${template} strategy file_copy ${options}`);
  return name;
}

async function dropDatabase(server: pg.Client, name: string): Promise<void> {
  await server.query(`drop database if exists ${name} with (force)`);
}

function urlOf(name: string): string {
  return Object.assign(new URL(inject("postgresUrl")), { pathname: name }).href;
}
