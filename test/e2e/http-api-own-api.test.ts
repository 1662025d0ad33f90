import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, type World, whenChainEnded } from "../support/world.ts";

const LIMIT = 3;
const OFFSET = { type: "offset", limit: LIMIT, totalPath: "total" };
/** Only creation orders the lists, and an item may change later: everything newer is sifted out of all pages. */
const CHANGES = { cursorField: "updatedAt", safetyLagSeconds: 0 };

const SYNCS = {
  name: "syncs",
  path: "syncs",
  recordSelector: "syncs",
  primaryKey: ["id"],
  paginator: OFFSET,
  incremental: CHANGES,
};
const RUNS = {
  name: "runs",
  path: "syncs/{parent.id}/runs",
  recordSelector: "runs",
  primaryKey: ["id"],
  paginator: OFFSET,
  parent: { resource: "syncs", fields: ["slug"] },
};

describe("http_api reads a real service: Sluice's own API", () => {
  let world: World;
  let server: Server;
  let connectionId: string;

  beforeAll(async () => {
    world = await createWorld();
    server = serve({ fetch: (request) => world.fetch(request), hostname: "127.0.0.1", port: 0 }) as Server;
    if (!server.listening) await once(server, "listening");
    await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
    const { port } = server.address() as AddressInfo;
    const { body } = await world.api("POST", "/connections", {
      name: "ourselves",
      provider: "http_api",
      config: { baseUrl: `http://127.0.0.1:${port}/api/v1`, resources: [SYNCS, RUNS] },
    });
    connectionId = body.id;
    for (let n = 0; n < 7; n++)
      await world.createSync({ connectionId, entities: [], name: `draft ${n}`, status: "draft" });
  });
  afterAll(async () => {
    server.close();
    await world.close();
  });

  /** All of a list, as a client of the API would page through it. */
  async function listed(path: string, key: string): Promise<Row[]> {
    const items: Row[] = [];
    for (;;) {
      const { body } = await world.api("GET", `${path}?limit=100&offset=${items.length}`);
      items.push(...body[key]);
      if (!body.hasNext) return items;
    }
  }

  const rowsOf = (sync: Row, entityKey: string): Promise<Row[]> =>
    world.warehouse(`select * from ${tableOf(sync, entityKey)} order by id`);

  it("copies syncs and runs as the API says they are, typed, then only what changed", async () => {
    // The second of the newest one is read again: the drafts have to be older than that.
    await sleep(1_500);
    const sync = await world.createSync({ connectionId, entities: ["syncs", "runs"], name: "mirror" });
    // The clock in an answer shows seconds: the drafts have to be older than that.
    await sleep(1_500);
    const first = await trigger(world, sync.id);
    const ended = await whenChainEnded(world, first.id);
    expect(ended).toMatchObject({ status: "succeeded" });
    expect(ended.summary.entities.syncs).toMatchObject({ status: "done", rows: 8 });

    await world.api("PATCH", `/syncs/${sync.id}`, { name: "renamed since" });
    await world.createSync({ connectionId, entities: [], name: "one more", status: "draft" });
    const second = await whenChainEnded(world, (await trigger(world, sync.id)).id);
    expect(second).toMatchObject({ status: "succeeded" });
    expect(second.summary.entities.syncs.rows).toBeLessThan(8);

    const expected = await listed("/syncs", "syncs");
    const rows = await rowsOf(sync, "syncs");
    expect(rows.map(({ id }) => id)).toEqual(expected.map(({ id }) => id).sort());
    for (const item of expected) {
      const row = rows.find(({ id }) => id === item.id);
      expect(row).toMatchObject({
        name: item.name,
        slug: item.slug,
        status: item.status,
        entities: item.entities,
        created_at: new Date(item.createdAt),
      });
    }
    expect(rows.find(({ id }) => id === sync.id)?.name).toBe("renamed since");
    const runs = await rowsOf(sync, "runs");
    const firstRow = runs.find(({ id }) => id === first.id);
    expect(firstRow).toMatchObject({ _parent_id: sync.id, _parent_slug: "mirror", attempt_number: "1" });
    expect(firstRow?.created_at).toEqual(new Date(first.createdAt));
  });
});
