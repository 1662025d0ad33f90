import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type AuditEntry, type AuditFilter, listAuditEvents, recordAudit } from "../../db/audit.ts";
import type { Db } from "../../db/client.ts";
import { useControlDatabase } from "../support/postgres.ts";

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

function entry(given: Partial<AuditEntry> = {}): AuditEntry {
  return {
    actor: "key:ci",
    requestId: "r-1",
    action: "sync.update",
    subjectType: "sync",
    subjectId: randomUUID(),
    before: null,
    after: null,
    ...given,
  };
}

async function list(filter: Partial<AuditFilter> = {}) {
  const all = { subjectId: [], actor: null, since: null, limit: 50, offset: 0 };
  const { items, total, read } = await listAuditEvents(db, { ...all, ...filter });
  return { events: await read(items.map(({ id }) => id)), total };
}

describe("an audited write", () => {
  it("keeps of an edit only what differs, keys of stored JSON as they were", async () => {
    const subjectId = randomUUID();
    const before = { name: "a", entities: ["x"], config: { snake_case: 1 }, gone: 1 };
    const after = { name: "b", entities: ["x"], config: { snake_case: 2 }, fresh: null };
    await recordAudit(db, entry({ subjectId, before, after }));
    const { events } = await list({ subjectId: [subjectId] });
    expect(events).toEqual([
      expect.objectContaining({
        actor: "key:ci",
        requestId: "r-1",
        action: "sync.update",
        before: { name: "a", config: { snake_case: 1 }, gone: 1 },
        after: { name: "b", config: { snake_case: 2 }, fresh: null },
      }),
    ]);
  });

  it("keeps the whole of what began or ended", async () => {
    const subjectId = randomUUID();
    await recordAudit(db, entry({ subjectId, action: "sync.create", after: { name: "a" } }));
    await recordAudit(db, entry({ subjectId, action: "sync.delete", before: { name: "a" } }));
    const { events, total } = await list({ subjectId: [subjectId] });
    expect(total).toBe(2);
    expect(events.map(({ action, before, after }) => [action, before, after])).toEqual([
      ["sync.delete", { name: "a" }, null],
      ["sync.create", null, { name: "a" }],
    ]);
  });

  it("is not there when its transaction is rolled back", async () => {
    const subjectId = randomUUID();
    const failing = db.transaction().execute(async (trx) => {
      await recordAudit(trx, entry({ subjectId }));
      throw new Error("the write failed");
    });
    await expect(failing).rejects.toThrow("the write failed");
    expect(await list({ subjectId: [subjectId] })).toEqual({ events: [], total: 0 });
  });
});

describe("the list", () => {
  it("is filtered by subject, actor and time, and paged newest first", async () => {
    const actor = `user:${randomUUID()}`;
    for (const action of ["sync.create", "sync.update", "sync.delete"] as const) {
      await recordAudit(db, entry({ actor, action }));
    }
    const page = await list({ actor, limit: 2, offset: 1 });
    expect(page.total).toBe(3);
    expect(page.events.map((event) => event.action)).toEqual(["sync.update", "sync.create"]);
    const newest = (await list({ actor })).events[0];
    expect((await list({ actor, since: new Date(Date.now() + 60_000) })).total).toBe(0);
    expect((await list({ actor, since: newest?.at ?? null })).events[0]).toEqual(newest);
    expect((await list({ subjectId: [newest?.subjectId ?? ""] })).events).toEqual([newest]);
  });
});
