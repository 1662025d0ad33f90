import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { findByKey, parseApiKeys } from "../../api/api-keys.ts";

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["scripts/make-key.ts", ...args], {
    cwd: new URL("../../", import.meta.url),
    encoding: "utf8",
  });

describe("npm run keys:new", () => {
  it("prints a key and the entry that lets it in", () => {
    const { status, stdout } = run("night shift", "operate");
    expect(status).toBe(0);
    const [, key = ""] = /^X-API-Key: (\S+)$/m.exec(stdout) ?? [];
    const keys = parseApiKeys(stdout.trim().split("\n").at(-1) ?? "");
    expect(findByKey(keys, key)).toEqual({ actor: "key:night shift", scopes: ["operate"], expiresAt: null });
  });

  it("says how it is called when it is called otherwise", () => {
    expect(run()).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("<name> <observe|read|operate|confirm|execute|admin>"),
    });
    expect(run("ci", "root").status).toBe(2);
    expect(run("a:b", "read")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("without colons"),
    });
  });
});
