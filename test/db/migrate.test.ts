import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrateToLatest } from "../../db/migrate.ts";
import { createTestDatabase, openDb, type TestDatabase, withClient } from "../support/postgres.ts";

describe("migrateToLatest", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test("several processes at once apply every migration exactly once", async () => {
    const { length } = await readdir(new URL("../../db/migrations", import.meta.url));
    const dbs = [1, 2, 3].map(() => openDb(database.url));
    const applied = await Promise.all(dbs.map((db) => migrateToLatest(db)));
    await Promise.all(dbs.map((db) => db.destroy()));
    expect(new Set(applied.flat()).size).toBe(length);
    expect(applied.flat()).toHaveLength(length);
    const { rows } = await withClient(database.url, (client) =>
      client.query("select count(*)::int as n from deployment"),
    );
    expect(rows).toEqual([{ n: 1 }]);
  });
});
