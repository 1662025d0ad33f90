import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type ChildSpec, type SupervisedChild, superviseChild } from "../../scripts/lib/children.ts";
import { findProcess } from "../../scripts/lib/processes.ts";

let started: SupervisedChild[] = [];
afterEach(async () => {
  await Promise.all(started.map((child) => child.stop({ now: true })));
  started = [];
});

function supervise(script: string, over: Partial<ChildSpec> = {}) {
  const lines: string[] = [];
  const deaths: string[] = [];
  const pids: (number | null)[] = [];
  const child = superviseChild({
    name: "child",
    command: "sh",
    args: ["-c", script],
    stopSignal: "SIGTERM",
    graceMs: 5_000,
    isReady: async () => lines.includes("ready"),
    readyTimeoutMs: 5_000,
    onLine: (line) => void lines.push(line),
    onDeath: (message) => void deaths.push(message),
    onPid: (pid) => void pids.push(pid),
    ...over,
  });
  started.push(child);
  return { child, lines, deaths, pids };
}

describe("superviseChild", () => {
  test("start waits until the child is ready", async () => {
    const { child, lines } = supervise("sleep 0.3; echo ready; sleep 60");
    await child.start();
    expect(lines).toEqual(["ready"]);
  });

  test("a child that dies is started again, and every pid is told", async () => {
    const { child, deaths, pids } = supervise("echo ready; exec sleep 60");
    await child.start();
    const first = child.pid ?? 0;
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(pids).toHaveLength(3), { timeout: 5_000 });
    expect(pids).toEqual([first, null, child.pid]);
    expect(deaths).toEqual(["child ended by SIGKILL; starting it again in 1 s"]);
    expect(child.pid).not.toBe(first);
  });

  test("stop asks first, and a child that was asked to stop is not started again", async () => {
    const { child, lines, pids } = supervise("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    await child.start();
    await child.stop();
    await sleep(700);
    expect(lines).toContain("bye");
    expect(child.pid).toBeNull();
    expect(pids).toHaveLength(2);
  });

  test("a child that won't stop is killed after its grace", async () => {
    const { child, lines } = supervise("trap '' TERM; echo ready; while :; do sleep 0.05; done", { graceMs: 300 });
    await child.start();
    const pid = child.pid ?? 0;
    await child.stop();
    expect(findProcess(pid)).toBeNull();
    expect(lines).toEqual(["ready"]);
  });

  test("a child that ends before it is ready fails the start with its last words", async () => {
    const { child } = supervise("echo no such disk >&2; exit 3");
    await expect(child.start()).rejects.toThrow(/child did not start: exited with 3[\s\S]*no such disk/);
  });

  test("a command that does not exist fails the start", async () => {
    const { child } = supervise("", { command: "/no/such/command", args: [] });
    await expect(child.start()).rejects.toThrow("ENOENT");
  });

  test("an aborted start ends the child", async () => {
    const abort = new AbortController();
    const { child, pids } = supervise("exec sleep 60", { signal: abort.signal });
    const start = child.start();
    await vi.waitFor(() => expect(pids).toHaveLength(1));
    abort.abort();
    await expect(start).rejects.toThrow("asked to stop");
    expect(findProcess(pids[0] ?? 0)).toBeNull();
  });

  test("the children of a supervisor that exits without stopping them end too", async () => {
    const module = new URL("../../scripts/lib/children.ts", import.meta.url).href;
    const program = `
      import { superviseChild } from ${JSON.stringify(module)};
      const child = superviseChild({ name: "c", command: "sleep", args: ["60"], stopSignal: "SIGTERM", graceMs: 1000,
        isReady: async () => true, readyTimeoutMs: 1000, onLine() {}, onDeath() {} });
      await child.start();
      console.log(child.pid);
      setTimeout(() => { throw new Error("a bug"); }, 50);`;
    const supervisor = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [output] = await once(supervisor.stdout, "data");
    const pid = Number(String(output));
    await once(supervisor, "exit");
    await vi.waitFor(() => expect(findProcess(pid)).toBeNull());
  });
});
