import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import {
  type ConnectionRow,
  deleteConnection,
  findConnection,
  insertConnection,
  lockConnection,
  recordCheck,
  updateConnection,
} from "../../db/connections.ts";
import { up as removeShortPageDefaults } from "../../db/migrations/0009_short_pages.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { insertSync } from "../support/runs.ts";

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

async function insert(changes: { provider?: ConnectionRow["provider"]; config?: object } = {}): Promise<ConnectionRow> {
  const sealed = { keyId: "k1", iv: "aXY=", tag: "dGFn", data: "ZGF0YQ==" };
  const made = await insertConnection(db, {
    id: randomUUID(),
    name: "source",
    provider: changes.provider ?? "postgres",
    config: JSON.stringify(changes.config ?? { host: "a", nested_key: { snake_case: 1, camelCase: 2 } }),
    secrets: JSON.stringify({ password: sealed }),
    taskQueue: "sluice",
    status: "unchecked",
    checks: "[]",
    createdBy: "user:a",
    updatedBy: "user:a",
  });
  if (!made) throw new Error("this id is new");
  return made;
}

const found = { ok: true, checks: [{ name: "reach", ok: true, message: "reached", fix: "" }] };

describe("a connection", () => {
  it("comes back as it was written, keys inside JSON included", async () => {
    const connection = await insert();
    expect(await findConnection(db, connection.id)).toEqual(connection);
    expect(connection.config).toEqual({ host: "a", nested_key: { snake_case: 1, camelCase: 2 } });
  });

  it("records a check of the settings it has, and none of those it had", async () => {
    const seen = await insert();
    await recordCheck(db, seen, found);
    expect(await findConnection(db, seen.id)).toMatchObject({ status: "ok", checks: found.checks });
    await updateConnection(db, seen.id, { config: "{}" });
    await recordCheck(db, seen, found);
    expect(await findConnection(db, seen.id)).toMatchObject({ status: "unchecked", checks: [] });
  });

  it("is not deleted while a transaction holds it", async () => {
    const { id } = await insert();
    const order: string[] = [];
    let deleting: Promise<unknown> = Promise.resolve();
    await db.transaction().execute(async (trx) => {
      await lockConnection(trx, id, "share");
      deleting = deleteConnection(db, id, "user:b").then(() => order.push("deleted"));
      await new Promise((resolve) => setTimeout(resolve, 200));
      order.push("released");
    });
    await deleting;
    expect(order).toEqual(["released", "deleted"]);
    expect(await findConnection(db, id)).toBeNull();
    expect(await deleteConnection(db, id, "user:b")).toBeNull();
  });

  it("is in use as a source and as a destination", async () => {
    const { id } = await insert();
    const syncId = await insertSync(db);
    await db
      .updateTable("syncs")
      .set({ destinationConfig: JSON.stringify({ connectionId: id }) })
      .where("id", "=", syncId)
      .execute();
    expect(await deleteConnection(db, id, "user:b")).toMatchObject({ usedBy: [syncId] });
    const { connectionId } = await db
      .selectFrom("syncs")
      .selectAll()
      .where("id", "=", syncId)
      .executeTakeFirstOrThrow();
    expect(await deleteConnection(db, connectionId, "user:b")).toMatchObject({ usedBy: [syncId] });
    expect(await findConnection(db, id)).toMatchObject({ secrets: { password: { keyId: "k1" } } });
  });
});

it("an upgrade takes back the short-page default that older versions stored, and nothing that somebody declared", async () => {
  const paged = (stopOnShortPage?: boolean) => ({
    paginator: { type: "page", ...(stopOnShortPage === undefined ? {} : { stopOnShortPage }) },
  });
  const config = {
    ...{ baseUrl: "https://api.example", ...paged(true) },
    resources: [{ name: "a", ...paged(true) }, { name: "b", ...paged(false) }, { name: "c" }],
  };
  const [changed, other] = [
    await insert({ provider: "http_api", config }),
    await insert({ config: { resources: [paged(false)] } }),
  ];
  await removeShortPageDefaults(db as unknown as Parameters<typeof removeShortPageDefaults>[0]);
  expect((await findConnection(db, changed.id))?.config).toEqual({
    ...{ baseUrl: "https://api.example", ...paged() },
    resources: [{ name: "a", ...paged() }, { name: "b", ...paged(false) }, { name: "c" }],
  });
  expect((await findConnection(db, other.id))?.config).toEqual({ resources: [paged(false)] });
});
