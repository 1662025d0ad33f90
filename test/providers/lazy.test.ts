import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { PACKAGE_OWNERS } from "../../scripts/lib/import-rules.ts";

const run = promisify(execFile);

/** Rooms that the API process loads. */
const ROOMS_OF_THE_API = ["api", "db", "control"];

/** Packages that only connectors (or destinations) need: clients, drivers and SDKs, those of later connectors too. */
const CONNECTOR_PACKAGES = Object.entries(PACKAGE_OWNERS)
  .filter(([, owners]) => owners.some((owner) => owner.startsWith("providers")))
  .filter(([, owners]) => !owners.some((owner) => ROOMS_OF_THE_API.includes(owner.split("/")[0] ?? "")))
  .map(([name]) => name);

/** Lists every module that a process loads for `code`. */
async function modulesLoadedBy(code: string): Promise<string[]> {
  const script = `
    import { registerHooks } from "node:module";
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    ${code}
    console.log(JSON.stringify(urls));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]");
}

const isOf = (url: string, name: string): boolean => url.includes(`/node_modules/${name}/`);

describe("connectors are loaded when they are first used", () => {
  it("the API process loads their declarations and none of their packages", async () => {
    expect(CONNECTOR_PACKAGES).toEqual(expect.arrayContaining(["undici", "pg-copy-streams"]));
    const loaded = await modulesLoadedBy(`await import("./api/serve.ts");`);
    expect(loaded.filter((url) => CONNECTOR_PACKAGES.some((name) => isOf(url, name)))).toEqual([]);
    expect(loaded.some((url) => url.endsWith("/providers/index.ts"))).toBe(true);
    expect(loaded.filter((url) => /\/providers\/.*\/(source|transport|client|session)\.ts$/.test(url))).toEqual([]);
  });

  it("a process that connects loads that connector, and this test sees it", async () => {
    const loaded = await modulesLoadedBy(`
      const { findProvider } = await import("./providers/index.ts");
      const provider = findProvider("http_api");
      const config = { baseUrl: "http://127.0.0.1:1", resources: [{ name: "orders", path: "orders" }] };
      const source = await provider.connect({
        config: provider.connectionSchema.parse(config),
        sourceConfig: provider.sourceConfigSchema.parse({}),
        secrets: {},
        redactor: { hide: () => undefined, redact: (text) => text, redactError: () => undefined },
        signal: new AbortController().signal,
        shared: {},
        egress: { allowPrivate: [], allowOnly: null },
      });
      await source.close();`);
    expect(loaded.some((url) => isOf(url, "undici"))).toBe(true);
    expect(loaded.some((url) => isOf(url, "pg-copy-streams"))).toBe(false);
  });
});
