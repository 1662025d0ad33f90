import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endOrphans, recordChildren } from "../../scripts/lib/orphans.ts";

let home: string;
let child: ChildProcess;
let lines: string[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "sluice-orphans-"));
  child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  lines = [];
});
afterEach(async () => {
  child.kill("SIGKILL");
  await rm(home, { recursive: true });
});

const log = (line: string) => void lines.push(line);

describe("endOrphans", () => {
  test("ends the recorded children of a supervisor that was killed", async () => {
    recordChildren(home).note("worker", child.pid ?? null, "SIGTERM");
    const exit = once(child, "exit");
    await endOrphans(home, log);
    expect(await exit).toEqual([null, "SIGTERM"]);
    expect(lines).toEqual([`ending worker (process ${child.pid}), left by an earlier run that was killed`]);
    expect(existsSync(join(home, "processes.json"))).toBe(false);
  });

  test("never touches another process that got a recorded pid", async () => {
    recordChildren(home).note("worker", child.pid ?? null, "SIGTERM");
    const path = join(home, "processes.json");
    const recorded = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ worker: { ...recorded.worker, startedAs: "another life" } }));
    await endOrphans(home, log);
    expect(child.exitCode ?? child.signalCode).toBeNull();
    expect(lines).toEqual([]);
  });

  test("forgets children that ended by themselves, and does nothing after a clean stop", async () => {
    const record = recordChildren(home);
    record.note("worker", child.pid ?? null, "SIGTERM");
    record.note("worker", null, "SIGTERM");
    await endOrphans(home, log);
    record.clear();
    await endOrphans(home, log);
    expect(child.exitCode ?? child.signalCode).toBeNull();
  });
});
