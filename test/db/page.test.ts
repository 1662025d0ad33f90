import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { listConnections } from "../../db/connections.ts";
import { createControlDatabase, openDb, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createControlDatabase();
  db = openDb(database.url);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

async function addConnection(): Promise<void> {
  await db
    .insertInto("connections")
    .values({
      ...{ id: randomUUID(), name: "source", provider: "postgres", taskQueue: "sluice", status: "unchecked" },
      ...{ config: "{}", secrets: "{}", checks: "[]", createdBy: "test", updatedBy: "test" },
    })
    .execute();
}

it("says of a page how many there are when its items are read, whatever is added meanwhile", async () => {
  const busy = db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await addConnection();
      return result;
    },
  });
  for (let turn = 0; turn < 4; turn++) {
    const { items, total } = await listConnections(busy, { q: null, provider: [], limit: 100, offset: 0 });
    expect(total).toBe(items.length);
  }
  const beyond = await listConnections(db, { q: null, provider: [], limit: 100, offset: 100 });
  expect(beyond.items).toEqual([]);
  expect(beyond.total).toBeGreaterThan(3);
});
