import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openSpool } from "../../../../providers/lib/graphql/spool.ts";

const MODULE = new URL("../../../../providers/lib/graphql/spool.ts", import.meta.url).href;

async function createParent(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "sluice-spools-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return parent;
}

/** Another worker, which opens a spool and holds it. */
async function startOther(parent: string) {
  const script = `const { openSpool } = await import(${JSON.stringify(MODULE)});
    console.log((await openSpool(${JSON.stringify(parent)})).path); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [path] = await once(child.stdout.setEncoding("utf8"), "data");
  return {
    path: String(path).trim(),
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

it("removes what a killed worker left, and nothing of one that goes on", async () => {
  const parent = await createParent();
  const [killed, going] = [await startOther(parent), await startOther(parent)];
  await writeFile(join(killed.path, "0.jsonl"), "{}");
  await killed.kill();
  const own = await openSpool(parent);
  const second = await openSpool(parent);
  expect((await readdir(parent)).sort()).toEqual(
    [going.path, own.path, second.path].map((path) => basename(path)).sort(),
  );
  await own.close();
  await second.close();
  expect(await readdir(parent)).toEqual([basename(going.path)]);
});

it("removes that of an earlier process with the same number, and leaves other hosts' and other names alone", async () => {
  const parent = await createParent();
  const own = await openSpool(parent);
  const [, , host = ""] = basename(own.path).split("-");
  const kept = [`sluice-export-00000000-${process.pid}-1-abc`, "sluice-export-old", "other"];
  for (const name of [...kept, `sluice-export-${host}-${process.pid}-1-abc`]) await mkdir(join(parent, name));
  const second = await openSpool(parent);
  expect((await readdir(parent)).sort()).toEqual([...kept, basename(own.path), basename(second.path)].sort());
});
