import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type Row, type World } from "../support/world.ts";

const ENTITIES = Array.from({ length: 5_000 }, (_, index) => `public.table_${String(index).padStart(4, "0")}`);

describe("a source of 5,000 tables", () => {
  let world: World;
  let connectionId: string;

  beforeAll(async () => {
    world = await createWorld();
    for (let from = 0; from < ENTITIES.length; from += 500) {
      await world.source(
        ENTITIES.slice(from, from + 500)
          .map((name) => `create table ${name} (id bigint primary key, note text, updated_at timestamptz)`)
          .join(";"),
      );
    }
    await world.startWorker();
    connectionId = await world.createConnection();
  }, 180_000);
  afterAll(() => world.close());

  it("has a catalog that is turned page by page", async () => {
    const keys: string[] = [];
    for (let page: Row = { hasNext: true }; page.hasNext; ) {
      const answer = await world.api("GET", `/connections/${connectionId}/catalog?limit=100&offset=${keys.length}`);
      expect([answer.status, answer.body.total]).toEqual([200, ENTITIES.length]);
      page = answer.body;
      keys.push(...page.entities.map((entity: Row) => entity.entityKey));
    }
    expect(keys).toEqual(ENTITIES);
    const tasks = await world.db.selectFrom("connectionTasks").select("kind").execute();
    expect(tasks).toEqual([{ kind: "discover" }]);
  });

  it("can be activated with all of them in one sync, and history holds no list of them", async () => {
    const sync = await world.createSync({ connectionId, entities: ENTITIES });
    const active = await world.api("PATCH", `/syncs/${sync.id}`, { status: "active" });
    expect(active.status).toBe(200);
    const settled = active.body.tableBindings.filter(
      (binding: Row) => binding.loadMode === "upsert" && binding.cursorField === "updated_at",
    );
    expect(settled).toHaveLength(ENTITIES.length);
    for await (const { workflowId } of world.temporal.workflow.list()) {
      const history = await world.temporal.workflow.getHandle(workflowId).fetchHistory();
      expect(JSON.stringify(history).length, workflowId).toBeLessThan(20_000);
    }
  });
});
