import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findTemporal } from "../../scripts/lib/find-temporal.ts";

let root: string;
let lines: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sluice-find-"));
  lines = [];
});
afterEach(() => rm(root, { recursive: true }));

/** A user with nothing but these directories, and a network that refuses the download at once. */
function options() {
  const env = { PATH: join(root, "bin"), XDG_CACHE_HOME: join(root, "cache"), HTTPS_PROXY: "http://127.0.0.1:9" };
  return { env, log: (line: string) => void lines.push(line) };
}

async function putProgram(path: string, script: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("findTemporal", () => {
  test("takes the one on PATH before the cached one", async () => {
    const onPath = await putProgram(join(root, "bin", "temporal"), "");
    await putProgram(join(root, "cache", "sluice", "bin", "temporal"), "");
    expect(await findTemporal(options())).toBe(onPath);
  });

  test("takes the cached one before it downloads or builds anything", async () => {
    const cached = await putProgram(join(root, "cache", "sluice", "bin", "temporal"), "");
    expect(await findTemporal(options())).toBe(cached);
    expect(lines).toEqual([]);
  });

  test("builds it with Go into the cache when the download fails, saying that it takes long", async () => {
    await putProgram(
      join(root, "bin", "go"),
      'PATH=/bin:/usr/bin; mkdir -p "$GOBIN"; echo "$@" > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"',
    );
    const found = await findTemporal(options());
    expect(found).toBe(join(root, "cache", "sluice", "bin", "temporal"));
    expect(await readFile(found, "utf8")).toBe("install github.com/temporalio/cli/cmd/temporal@v1.5.1\n");
    expect(lines[0]).toContain("asking the Temporal SDK to download");
    expect(lines.at(-1)).toContain("takes several minutes");
    expect(await findTemporal(options())).toBe(found);
  });

  test("names all five ways when none works", async () => {
    await putProgram(join(root, "bin", "go"), "echo no such module >&2; exit 1");
    const found = findTemporal(options());
    await expect(found).rejects.toThrow(/TEMPORAL_ADDRESS[\s\S]*PATH[\s\S]*cache[\s\S]*SDK[\s\S]*go install/);
    expect(lines.at(-1)).toBe("temporal: no such module");
  });
});
