import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, seedOrders } from "../support/orders.ts";
import { withClient } from "../support/postgres.ts";
import { createTcpServer } from "../support/tcp-server.ts";
import { createWorld, type Row, trigger, type WorkerProcess, type World, whenChainEnded } from "../support/world.ts";

/** What no connection may reach, tried over the API with a worker that does the work. */
describe("what connections may reach", () => {
  let world: World;
  let worker: WorkerProcess;
  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 100);
    worker = await world.startWorker();
  });
  afterAll(() => world.close());

  /** To any database of the server, as its superuser. */
  async function connectTo(url: string, more: Row = {}): Promise<string> {
    const { config, ...rest } = world.sourceConnection();
    const database = new URL(url).pathname.slice(1);
    const made = await world.api("POST", "/connections", { ...rest, config: { ...config, database, ...more } });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    return made.body.id;
  }
  const failedChecks = async (id: string): Promise<Row[]> => {
    const { body } = await world.api("POST", `/connections/${id}/check`);
    expect(body).toHaveProperty("checks");
    return body.checks.filter(({ ok }: Row) => !ok);
  };

  it("is never the control database as a source, by whatever name it is reached", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const id = await connectTo(world.controlUrl, { host });
      expect(await failedChecks(id)).toEqual([
        {
          ...{ name: "connect", ok: false },
          message: "postgres: connection check failed: this is Sluice's own control database.",
          fix: "Name another database in the connection. What Sluice knows of syncs and runs is read over its API.",
        },
      ]);
      const catalog = await world.api("GET", `/connections/${id}/catalog`);
      expect(catalog).toMatchObject({ status: 409, body: { code: "connection_failed" } });
    }
    // Others of the same server may be read.
    expect(await failedChecks(await connectTo(world.sourceUrl))).toEqual([]);
  });

  it("is never the control database as a destination: nothing is written there", async () => {
    const connectionId = await connectTo(world.controlUrl);
    const sync = await createOrdersSync(world, { destinationConfig: { connectionId } });
    const run = await trigger(world, sync.id);
    expect(await whenChainEnded(world, run.id)).toMatchObject({
      ...{ status: "failed", resultReasonCode: "destination_address_refused", nextAttemptRunId: null },
    });
    expect(await schemasOf(world.controlUrl)).toEqual(["public"]);
  });

  it("is not what a connection of before leads to, once its config is no longer taken", async () => {
    const id = await connectTo(world.sourceUrl);
    for (const host of ["/var/run/postgresql", "x/warehouse?host=127.0.0.1&sslmode=disable&y=", "2130706433"]) {
      await withClient(world.controlUrl, (client) =>
        client.query("update connections set config = config || jsonb_build_object('host', $2::text) where id = $1", [
          id,
          host,
        ]),
      );
      expect(await failedChecks(id)).toMatchObject([{ name: "connect", message: expect.stringContaining("host") }]);
    }
  });

  it("is never the control database as the default warehouse, and no more than the operator lists", async () => {
    await worker.stop();
    const server = await createTcpServer();
    const only = await world.startWorker({
      SLUICE_EGRESS_ALLOW_ONLY: "db.example,10.0.0.0/8",
      WAREHOUSE_URL: world.controlUrl,
    });
    try {
      const id = await connectTo(world.sourceUrl);
      for (const connection of [id, await connectTo(world.sourceUrl, { port: server.port })]) {
        expect(await failedChecks(connection)).toMatchObject([
          { name: "connect", fix: expect.stringContaining("SLUICE_EGRESS_ALLOW_ONLY") },
        ]);
      }
      expect(server.count()).toBe(0);
    } finally {
      await only.stop();
      await server.close();
    }
    worker = await world.startWorker({ WAREHOUSE_URL: world.controlUrl });
    const sync = await createOrdersSync(world);
    const run = await trigger(world, sync.id);
    expect(await whenChainEnded(world, run.id)).toMatchObject({
      status: "failed",
      resultReasonCode: "destination_address_refused",
    });
    expect(await schemasOf(world.controlUrl)).toEqual(["public"]);
  });
});

function schemasOf(url: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      "select nspname as name from pg_namespace where nspname !~ '^(pg_|information_schema)' order by nspname",
    );
    return rows.map(({ name }) => name);
  });
}
