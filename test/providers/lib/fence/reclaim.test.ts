import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { createReclaimer } from "../../../../providers/lib/fence/reclaim.ts";

it("garbage is collected once after the last large answer, and not between two", async () => {
  const collected = Promise.withResolvers<void>();
  let collections = 0;
  const reclaimer = createReclaimer(() => {
    collections += 1;
    collected.resolve();
  }, 20);
  reclaimer.begin();
  reclaimer.begin();
  reclaimer.end();
  await sleep(60);
  expect(collections).toBe(0);
  reclaimer.end();
  await collected.promise;
  expect(collections).toBe(1);
});

it("what nobody holds any more is given back", async () => {
  const sizeBytes = 64 * 1024 * 1024;
  const held: Buffer[] = [];
  const reclaimer = createReclaimer(undefined, 1);
  reclaimer.begin();
  held.push(Buffer.alloc(sizeBytes, 1));
  const before = process.memoryUsage().arrayBuffers;
  held.length = 0;
  reclaimer.end();
  await vi.waitFor(() => expect(process.memoryUsage().arrayBuffers).toBeLessThanOrEqual(before - sizeBytes), 10_000);
});
