import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { committedRows, createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { createWorld, trigger, until, type World, whenEnded } from "../support/world.ts";

const [old, young] = ["k1", "k2"].map((id) => `${id}:${randomBytes(32).toString("base64")}`);

describe("npm run keys:rotate", () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ encryptionKeys: `${old}` });
    await seedOrders(world, 40_000);
  });
  afterAll(() => world.close());

  const rotate = (keys: string) =>
    promisify(execFile)(process.execPath, ["scripts/keys-rotate.ts"], {
      env: { PATH: process.env.PATH, DATABASE_URL: world.controlUrl, SLUICE_ENCRYPTION_KEYS: keys },
    });

  it("runs while a worker syncs; afterwards the old key can be dropped", async () => {
    const worker = await world.startWorker({ SLUICE_ENCRYPTION_KEYS: `${young},${old}` });
    const sync = await createOrdersSync(world, { executionConfig: { windowSize: "2000", maxConcurrency: 1 } });
    const run = await trigger(world, sync.id);
    await until("committed batches", async () => ((await committedRows(world)) > 0 ? true : null));

    const { stdout } = await rotate(`${young},${old}`);
    expect(stdout).toBe("1 connections re-encrypted under key k2\nk2: 1 secrets and tokens\n");
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    await worker.stop();

    await world.startWorker({ SLUICE_ENCRYPTION_KEYS: `${young}` });
    const again = await trigger(world, sync.id, { runMode: "full_refresh" });
    expect(await whenEnded(world, again.id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("exits 1 naming the connections that it cannot open", async () => {
    const id = await world.createConnection();
    const lost = rotate(`${young}`);
    await expect(lost).rejects.toMatchObject({
      code: 1,
      stdout: "0 connections re-encrypted under key k2\nk1: 1 secrets and tokens\nk2: 1 secrets and tokens\n",
      stderr: expect.stringContaining(id),
    });
  });
});
