import { expect, onTestFinished, test } from "vitest";
import { findProviderDemo } from "../../scripts/demo/providers/index.ts";

/** Demos whose source is one of our simulators, without a stack. */
test.each(["http_api", "shopify"])(
  "the source of the demo of %s starts, changes, and tells what it holds",
  async (key) => {
    const { demo } = await findProviderDemo(key);
    const source = await demo.start({ signal: new AbortController().signal, log: console.error });
    onTestFinished(() => source.stop());
    const before = await source.expected();
    expect(Object.keys(before).sort()).toEqual([...source.sync.entities].sort());
    for (const { columns, rows } of Object.values(before)) {
      expect(rows.length).toBeGreaterThan(10);
      for (const row of rows) expect(row).toHaveLength(columns.length);
    }
    expect((await source.change()).length).toBeGreaterThan(0);
    expect(await source.expected()).not.toEqual(before);
  },
);

test("a provider without a demo is told which have one", async () => {
  await expect(findProviderDemo("netsuite")).rejects.toThrow(/there are demos of .*http_api/);
});
