import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { startLoop } from "../../control/loop.ts";
import { createMetrics } from "../../control/metrics.ts";
import { sampleEach } from "../../core/metrics.ts";
import { until } from "../support/world.ts";

const quiet = pino({ level: "silent" });

describe("the answer to a scrape", () => {
  it("leaves out what fails and what does not answer, and says so in the log", async () => {
    const warned: { source: string }[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => warned.push(JSON.parse(line)) });
    const metrics = createMetrics({
      samples: {
        works: () => [{ name: "sluice_workers", value: 3 }],
        fails: () => Promise.reject(new Error("away")),
        hangs: () => new Promise(() => undefined),
      },
      texts: { other: async () => "other_total 1\n", broken: () => Promise.reject(new Error("away")) },
      log,
    });
    const text = await metrics();
    expect(text).toMatch(/^sluice_workers 3$/m);
    expect(text).toMatch(/^other_total 1$/m);
    expect(text.endsWith("\n")).toBe(true);
    expect(warned.map(({ source }) => source).sort()).toEqual(["broken", "fails", "hangs"]);
  });

  it("shows at each scrape what the sources say then, and no series of the one before", async () => {
    let statuses: Record<string, number> = { active: 1, draft: 2 };
    let rows = 5;
    const samples = {
      syncs: () => sampleEach("sluice_syncs", "status", statuses),
      rows: () => [{ name: "sluice_rows_read_total" as const, value: rows }],
    };
    const metrics = createMetrics({ samples, log: quiet });
    const ours = (text: string) => text.split("\n").filter((line) => line.startsWith("sluice_"));
    expect(ours(await metrics())).toEqual([
      'sluice_syncs{status="active"} 1',
      'sluice_syncs{status="draft"} 2',
      "sluice_rows_read_total 5",
    ]);
    statuses = { active: 4 };
    rows = 9;
    expect(ours(await metrics())).toEqual(['sluice_syncs{status="active"} 4', "sluice_rows_read_total 9"]);
  });
});

describe("a loop", () => {
  const turns = (results: (() => Promise<unknown>)[]) => {
    let turn = 0;
    const loop = startLoop({ name: "x", everyMs: 1, log: quiet, work: async () => results[turn++]?.() });
    return { loop, passed: () => turn };
  };

  it("counts turns that failed, and keeps when one ended well", async () => {
    const { loop, passed } = turns([
      async () => 0,
      () => Promise.reject(new Error("no")),
      () => Promise.reject(new Error("no")),
    ]);
    await until("three turns", async () => (passed() > 3 ? true : null));
    await loop.stop();
    expect(loop.failures()).toBe(2);
    expect(loop.succeededAtMs()).toBeGreaterThan(0);
  });

  it("tells no success where another process leads", async () => {
    const loop = startLoop({ name: "x", everyMs: 1, log: quiet, work: async () => false });
    await loop.stop();
    expect(loop.succeededAtMs()).toBeNull();
  });
});
