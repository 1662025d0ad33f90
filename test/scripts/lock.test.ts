import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writePrivateJson } from "../../scripts/lib/home.ts";
import { HomeInUseError, lockHome } from "../../scripts/lib/lock.ts";
import { findProcess } from "../../scripts/lib/processes.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "sluice-lock-"));
});
afterEach(() => rm(home, { recursive: true }));

describe("lockHome", () => {
  test("the second one is told who holds the home and where its API is", () => {
    const release = lockHome(home);
    writePrivateJson(join(home, "dev.json"), { apiUrl: "http://127.0.0.1:8080" });
    expect(() => lockHome(home)).toThrow(HomeInUseError);
    expect(() => lockHome(home)).toThrow(`process ${process.pid}, API http://127.0.0.1:8080`);
    release();
    lockHome(home)();
  });

  test("releasing leaves nothing behind", async () => {
    lockHome(home)();
    expect(await readdir(home)).toEqual([]);
  });

  test("a lock whose process is gone is taken over", () => {
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: 999_999_999, startedAs: "never" }));
    lockHome(home)();
  });

  test("a lock whose pid is another process by now is taken over", () => {
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: process.pid, startedAs: "another life" }));
    lockHome(home)();
  });

  test.each(["", '{"pid":', "null"])("a torn lock (%j) is taken over", (content) => {
    writeFileSync(join(home, "lock"), content);
    lockHome(home)();
  });

  test("of several processes that meet a stale lock at once, exactly one gets it", async () => {
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: 999_999_999, startedAs: "never" }));
    const lockModule = fileURLToPath(new URL("../../scripts/lib/lock.ts", import.meta.url));
    const program = `
      import { lockHome } from ${JSON.stringify(lockModule)};
      process.stdin.once("data", () => {
        try { lockHome(${JSON.stringify(home)}); console.log("locked"); } catch (error) { console.log(error.name); }
        process.stdin.once("data", () => process.exit());
      });
      console.log("ready");`;
    const rivals = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", "inherit"] }),
    );
    await Promise.all(rivals.map((rival) => once(rival.stdout, "data")));
    const answers = rivals.map((rival) => once(rival.stdout, "data"));
    for (const rival of rivals) rival.stdin.write("go\n");
    const said = (await Promise.all(answers)).map(([data]) => String(data).trim());
    const ends = rivals.map((rival) => once(rival, "exit"));
    for (const rival of rivals) rival.stdin.write("end\n");
    await Promise.all(ends);
    expect(said.sort()).toEqual(["HomeInUseError", "HomeInUseError", "HomeInUseError", "locked"]);
    expect(existsSync(join(home, "lock"))).toBe(true);
  });
});

describe("findProcess", () => {
  test("tells two lives of a pid apart, and a process that ended from one that lives", async () => {
    const child = spawn("sleep", ["60"]);
    const pid = child.pid ?? 0;
    expect(findProcess(pid)).toMatchObject({ pid });
    expect(findProcess(pid)?.startedAs).not.toBe(findProcess(process.ppid)?.startedAs);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(findProcess(pid)).toBeNull();
  });
});
