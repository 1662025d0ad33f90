import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../scripts/lib/ports.ts";
import { createStackHome, type StackHome } from "../support/stack-home.ts";

const DEMO = fileURLToPath(new URL("../../scripts/demo.ts", import.meta.url));
const TABLES = ["customers", "products", "orders", "order_items", "inventory_events"];

let home: StackHome;
beforeAll(async () => {
  home = await createStackHome();
});
afterAll(() => home.remove());

function runDemo(
  args: string[],
  env = home.env,
): Promise<{ code: unknown; stdout: string; lastLine: Record<string, unknown> }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [DEMO, ...args], { env }, (error, stdout) => {
      const lastLine = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
      resolve({ code: error === null ? 0 : error.code, stdout, lastLine });
    });
  });
}

describe("npm run demo -- --once", { timeout: 180_000 }, () => {
  // The second time on the same home: a full refresh over what is there.
  test.each([1, 2])("start %i: source and destination agree, and the second run moves only what changed", async () => {
    const { code, stdout, lastLine } = await runDemo(["--once", "--rows", "2000"]);
    expect(lastLine).toMatchObject({
      ok: true,
      runStatus: "succeeded",
      entities: TABLES.map((name) => ({ entity: `shop.${name}`, checksumEqual: true })),
      incremental: { runStatus: "succeeded" },
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`/docs`);
    expect(stdout).toContain(`sync-run%2F${lastLine.runId}`);
  });

  test("with --provider: a connector's first load, and its changes with deletions, agree with what its source says of itself", async () => {
    const { code, stdout, lastLine } = await runDemo(["--once", "--provider", "shopify"]);
    const tables = ["orders", "order_line_items", "products", "customers"];
    expect(lastLine).toMatchObject({
      ...{ ok: true, provider: "shopify", runStatus: "succeeded", incremental: { runStatus: "succeeded" } },
      entities: tables.map((entity) => ({ entity, equal: true })),
    });
    expect(code).toBe(0);
    expect(stdout).toContain("Ran against             a simulated shop on this machine");
  });

  test("with --provider msft_sharepoint: items that were moved and deleted, and files that were replaced and are gone", async () => {
    const { code, stdout, lastLine } = await runDemo(["--once", "--provider", "msft_sharepoint"]);
    expect(lastLine, stdout).toMatchObject({
      ...{ ok: true, provider: "msft_sharepoint", runStatus: "succeeded", incremental: { runStatus: "succeeded" } },
      entities: ["drive_items:", "list_items:", "sales"].map((entity) => ({
        ...{ entity: expect.stringMatching(`^${entity}`), equal: true },
      })),
    });
    expect(code).toBe(0);
    expect(stdout).toContain("Ran against             a simulated Microsoft Graph");
  });

  test("a stack that can't start is exit code 1 and still a last line of JSON", async () => {
    const env = { ...home.env, TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
    const { code, lastLine } = await runDemo(["--once"], env);
    expect(code).toBe(1);
    expect(lastLine).toEqual({ ok: false, entities: [], runId: null });
  });
});
