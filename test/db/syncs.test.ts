import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type BindingDraft, listBindings, saveBindings } from "../../db/bindings.ts";
import type { Db } from "../../db/client.ts";
import { findSync, holdSync, listSyncs, markSyncDeleted, takenSlugs, updateSync } from "../../db/syncs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { insertSync } from "../support/runs.ts";

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

function draft(entityKey: string, more: Partial<BindingDraft> = {}): BindingDraft {
  return {
    id: randomUUID(),
    entityKey,
    sourceInstanceKey: "host/shop",
    logicalTableName: entityKey,
    tableName: null,
    physicalTableName: `t_${entityKey}`,
    tableNamingVersion: "v2",
    loadMode: null,
    primaryKeyColumns: null,
    cursorField: null,
    given: {},
    ...more,
  };
}

async function bindingsOf(syncId: string): Promise<Map<string, BindingDraft>> {
  return new Map((await listBindings(db, [syncId])).map((binding) => [binding.entityKey, binding]));
}

describe("an edit of a sync", () => {
  it("is made once on top of a version, however many try", async () => {
    const id = await insertSync(db);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => updateSync(db, { id, version: 1 }, { name: `name ${n}` })),
    );
    const made = outcomes.filter((row) => row !== null);
    expect(made).toHaveLength(1);
    expect(await findSync(db, id)).toMatchObject({ name: made[0]?.name, version: 2 });
  });

  it("does not reach a deleted sync", async () => {
    const id = await insertSync(db);
    expect(await markSyncDeleted(db, id, "user:a")).toBe(true);
    expect(await markSyncDeleted(db, id, "user:b")).toBe(false);
    expect(await updateSync(db, { id, version: 2 }, { name: "x" })).toBeNull();
    expect(await findSync(db, id)).toBeNull();
    expect(await db.transaction().execute((trx) => holdSync(trx, id))).toBeNull();
    const row = await db.selectFrom("syncs").select("updatedBy").where("id", "=", id).executeTakeFirstOrThrow();
    expect(row.updatedBy).toBe("user:a");
  });
});

describe("bindings", () => {
  it("are those of the last save: one changed, one gone, one new, ids kept", async () => {
    const id = await insertSync(db);
    const [a, b, c] = [draft("a"), draft("b"), draft("c")];
    await saveBindings(db, id, [a, b]);
    await saveBindings(db, id, [
      { ...a, id: randomUUID(), physicalTableName: "other", given: { tableName: "other" } },
      c,
    ]);
    const saved = await bindingsOf(id);
    expect([...saved.keys()]).toEqual(["a", "c"]);
    expect(saved.get("a")).toMatchObject({ id: a.id, physicalTableName: "other", given: { tableName: "other" } });
    await saveBindings(db, id, []);
    expect(await bindingsOf(id)).toEqual(new Map());
  });

  it("that are frozen keep their names and their place, whatever is saved", async () => {
    const id = await insertSync(db);
    const a = draft("a");
    await saveBindings(db, id, [a, draft("b")]);
    await db.updateTable("tableBindings").set({ frozenAt: new Date() }).where("syncId", "=", id).execute();
    await saveBindings(db, id, [
      {
        ...a,
        physicalTableName: "x",
        tableName: "x",
        tableNamingVersion: "v1",
        loadMode: "replace",
        cursorField: "at",
      },
    ]);
    const saved = await bindingsOf(id);
    expect([...saved.keys()]).toEqual(["a", "b"]);
    expect(saved.get("a")).toMatchObject({
      physicalTableName: "t_a",
      tableName: null,
      tableNamingVersion: "v2",
      loadMode: "replace",
      cursorField: "at",
    });
  });

  it("come with their sync in the order of its entities, those of other entities left out", async () => {
    const id = await insertSync(db);
    await saveBindings(db, id, [draft("a"), draft("b"), draft("c")]);
    await updateSync(db, { id, version: 1 }, { entities: ["c", "a"] });
    const sync = await findSync(db, id);
    expect(sync?.bindings.map((binding) => binding.entityKey)).toEqual(["c", "a"]);
  });
});

describe("the list", () => {
  it("takes what is searched for as text, not as a pattern", async () => {
    const mark = randomUUID();
    const rename = async (name: string) => {
      const id = await insertSync(db);
      await updateSync(db, { id, version: 1 }, { name });
      return id;
    };
    const percent = await rename(`${mark} 100%_\\`);
    await rename(`${mark} 1000 x`);
    const search = async (q: string) =>
      (await listSyncs(db, { q, status: [], provider: [], limit: 100, offset: 0 })).items.map((item) => item.id);
    expect(await search(`${mark.toUpperCase()} 100%_\\`)).toEqual([percent]);
    expect(await search(mark)).toHaveLength(2);
  });
});

describe("slugs", () => {
  it("are taken only by syncs that are not deleted", async () => {
    const id = await insertSync(db);
    const slug = `sync-${id}`;
    expect(await takenSlugs(db, [slug, "free"])).toEqual(new Set([slug]));
    await markSyncDeleted(db, id, "user:a");
    expect(await takenSlugs(db, [slug])).toEqual(new Set());
  });
});
