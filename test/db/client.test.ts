import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDb, type Db } from "../../db/client.ts";
import { DatabaseUnavailableError } from "../../db/pg-errors.ts";
import { createFaultProxy } from "../support/fault-proxy.ts";
import { createTestDatabase, type TestDatabase, useControlDatabase, withClient } from "../support/postgres.ts";

describe("a lost connection to the control database", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  /** Ends every other session. */
  const restart = () =>
    withClient(database.url, (client) =>
      client.query(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      ),
    );

  it("is reported, does not end the process, and the next query gets another one", async () => {
    const lost: string[] = [];
    const db = createDb({ url: database.url, maxConnections: 1, onPoolError: (error) => lost.push(error.message) });
    await sql`select 1`.execute(db);
    await restart();
    await expect.poll(() => lost.length).toBeGreaterThan(0);
    expect((await sql`select 2 as n`.execute(db)).rows).toEqual([{ n: 2 }]);
    await db.destroy();
  });

  it("does not end the process either while somebody holds it between two queries", async () => {
    const lost: string[] = [];
    const db = createDb({ url: database.url, onPoolError: (error) => lost.push(error.message) });
    await db.connection().execute(async (session) => {
      await sql`select 1`.execute(session);
      await restart();
      await expect.poll(() => lost.length).toBeGreaterThan(0);
      await expect(sql`select 2`.execute(session)).rejects.toThrow();
    });
    expect((await sql`select 3 as n`.execute(db)).rows).toEqual([{ n: 3 }]);
    await db.destroy();
  });
});

describe("errors of the control database", () => {
  const database = useControlDatabase();

  async function withDb<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
    const db = createDb({ url, maxConnections: 1, onPoolError: () => undefined });
    try {
      return await work(db);
    } finally {
      await db.destroy();
    }
  }
  const failureOf = (db: Db, query = "select 1") =>
    sql
      .raw(query)
      .execute(db)
      .then(
        () => null,
        (error: unknown) => error,
      );

  it("that stand in the way of a session mean that it is unavailable: nobody listens, or the password is wrong", async () => {
    const url = new URL(database.url);
    url.password = "wrong";
    for (const each of ["postgres://nobody@127.0.0.1:1/x", url.href]) {
      const failure = await withDb(each, (db) => failureOf(db));
      expect(failure).toBeInstanceOf(DatabaseUnavailableError);
      expect(failure).toMatchObject({ answers: false, cause: expect.any(Error) });
    }
  });

  it("by a server that answers are told from an outage, and defects from both", async () => {
    await withDb(database.url, async (db) => {
      expect(await failureOf(db, "set statement_timeout = '50ms'; select pg_sleep(5)")).toMatchObject({
        name: "DatabaseUnavailableError",
        answers: true,
      });
      const defect = await failureOf(db, "select nothing from nowhere");
      expect(defect).not.toBeInstanceOf(DatabaseUnavailableError);
      expect(defect).toMatchObject({ code: "42P01" });
    });
  });

  it("while a session is set up do not use the pool up", async () => {
    const proxy = await createFaultProxy({ targetPort: Number(new URL(database.url).port) });
    try {
      const url = new URL(database.url);
      url.port = String(proxy.port);
      await withDb(url.href, async (db) => {
        const failures: unknown[] = [];
        for (let bytes = 50; bytes <= 2_000; bytes += 50) {
          proxy.cut(bytes);
          failures.push(await failureOf(db));
        }
        const seen = failures.filter((failure) => failure !== null);
        expect(seen.length).toBeGreaterThan(3);
        expect(seen.every((failure) => failure instanceof DatabaseUnavailableError)).toBe(true);
        proxy.heal();
        expect(await failureOf(db)).toBeNull();
      });
    } finally {
      await proxy.close();
    }
  });
});
