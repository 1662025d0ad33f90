import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createShop, SHOP_TOKEN } from "../simulators/shopify/shopify.ts";
import { createSimulator, type Simulator, type VendorRequest } from "../simulators/simulator.ts";
import { createClock } from "../simulators/store.ts";
import { connectVendor, countRows, createVendorSync, linesOf, runToEnd } from "../support/vendor-syncs.ts";
import { createWorld, type Row, trigger, until, type WorkerProcess, type World, whenEnded } from "../support/world.ts";

const LOOPBACK = { SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" };

describe("a shop, by real workers", () => {
  const shop = createShop({ bulkSeconds: null, bucket: { maximumAvailable: 20_000, restoreRate: 20_000 } });
  /** Is told of a request before it is answered. */
  let beforeAnswer: (request: VendorRequest) => Promise<void> | void = () => undefined;
  let world: World;
  let worker: WorkerProcess;
  let simulator: Simulator;

  beforeAll(async () => {
    const answer: typeof shop.answer = async (request, tools) => {
      await beforeAnswer(request);
      return shop.answer(request, tools);
    };
    simulator = await createSimulator([{ ...shop, answer }], { clock: createClock(Date.now()) });
    world = await createWorld();
    worker = await world.startWorker(LOOPBACK);
  });
  afterAll(async () => {
    await world.close();
    await simulator.close();
  });

  /** The worker is killed when the shop has such a request before it, and another one begins. */
  async function killAt(is: (request: VendorRequest) => boolean): Promise<void> {
    const held = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    beforeAnswer = (request) => {
      if (!is(request)) return;
      seen.resolve();
      return held.promise;
    };
    await seen.promise;
    await worker.kill();
    beforeAnswer = () => undefined;
    held.resolve();
    worker = await world.startWorker(LOOPBACK);
  }

  const queryOf = ({ body }: VendorRequest): string => String(Object(body).query ?? "");

  async function expectEqual(sync: Row): Promise<void> {
    const { orders } = shop.tell("{ orders { nodes { id name lineItems { nodes { id title } } } } }", simulator) as {
      orders: { nodes: { id: string; name: string; lineItems: { nodes: { id: string; title: string }[] } }[] };
    };
    const of = { columns: ["id", "name"] };
    expect(await linesOf(world, sync, "orders", of)).toEqual(
      orders.nodes.map(({ id, name }) => `${id} ${name}`).sort(),
    );
    const lines = orders.nodes.flatMap(({ id, lineItems }) =>
      lineItems.nodes.map((line) => `${line.id} ${id} ${line.title}`),
    );
    const ofLines = { columns: ["id", "order_id", "title"] };
    expect(await linesOf(world, sync, "order_line_items", ofLines)).toEqual(lines.sort());
  }

  it("is loaded by a bulk operation whose workers are killed, and then followed, deletions too", async () => {
    const connectionId = await connectVendor(world, {
      ...{ provider: "shopify", baseUrl: simulator.baseUrl("shopify"), secrets: { accessToken: SHOP_TOKEN } },
      config: { shop: "simulated.myshopify.com" },
    });
    const sync = await createVendorSync(world, { connectionId, entities: ["orders", "order_line_items"] });
    const { id } = await trigger(world, sync.id);
    await killAt((request) => queryOf(request).includes("bulkOperation(id:"));
    await until("a job", async () => (shop.bulk().made() > 0 ? true : null));
    const download = killAt(({ to }) => to === "files");
    shop.bulk().finish();
    await download;
    expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    // The check of the connection tries one, too.
    expect(shop.bulk().made()).toBeLessThanOrEqual(2);
    await expectEqual(sync);

    simulator.clock.advance(900);
    simulator.store.remove("Order", 9);
    simulator.store.remove("LineItem", 700);
    simulator.store.put("Order", {
      ...simulator.store.find("Order", 12),
      id: 12,
      name: "#changed",
      updated_at: undefined,
    });
    simulator.clock.advance(900);
    const next = await trigger(world, sync.id);
    expect(await whenEnded(world, next.id)).toMatchObject({ status: "succeeded", error: null });
    await expectEqual(sync);
  });

  it("loses the children of what is gone, where all is read as a whole", async () => {
    const connectionId = await connectVendor(world, {
      ...{ provider: "shopify", baseUrl: simulator.baseUrl("shopify"), secrets: { accessToken: SHOP_TOKEN } },
      config: { shop: "simulated.myshopify.com", bulk: "never" },
    });
    const sync = await createVendorSync(world, { connectionId, entities: ["markets", "market_regions"] });
    await runToEnd(world, sync);
    const regions = await countRows(world, sync, "market_regions");
    simulator.store.remove("Market", 2);
    expect(await runToEnd(world, sync)).toMatchObject({ status: "succeeded" });
    const left = await linesOf(world, sync, "market_regions", { columns: ["market_id"] });
    expect(new Set(left)).toEqual(new Set(["gid://shopify/Market/1"]));
    expect(left.length).toBe(regions / 2);
  });
});
