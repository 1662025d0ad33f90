import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDb } from "../../db/client.ts";
import { createTestDatabase, type TestDatabase, withClient } from "../support/postgres.ts";

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
