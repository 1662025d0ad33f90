import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase, withClient } from "../support/postgres.ts";

interface Candidate {
  child: ChildProcess;
  said: string[];
  passes(): number;
}

/** Of several processes one does the passes, and another only when it cannot. */
describe("the leader", () => {
  let database: TestDatabase;
  const candidates: Candidate[] = [];

  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    for (const { child } of candidates.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await database.drop();
  });

  async function start(): Promise<Candidate> {
    const child = spawn(process.execPath, ["test/support/leader-process.ts", database.url], {
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => said.push(line));
    const candidate = { child, said, passes: () => said.filter((line) => line === "pass").length };
    candidates.push(candidate);
    await expect.poll(() => said, { timeout: 15_000 }).toContain("ready");
    return candidate;
  }

  const doesPasses = async (candidate: Candidate, timeout: number): Promise<void> => {
    const before = candidate.passes();
    await expect.poll(() => candidate.passes(), { timeout, interval: 50 }).toBeGreaterThan(before + 2);
  };

  it("stays leader between its passes, until it is killed", async () => {
    const first = await start();
    await doesPasses(first, 10_000);
    const second = await start();
    await doesPasses(first, 10_000);
    await sleep(2_000);
    expect(second.passes()).toBe(0);
    first.child.kill("SIGKILL");
    await doesPasses(second, 10_000);
  });

  it("gives the lead up when it is stopped", async () => {
    const first = await start();
    await doesPasses(first, 10_000);
    const second = await start();
    first.child.kill("SIGTERM");
    await expect.poll(() => first.said, { timeout: 10_000 }).toContain("stopped");
    await doesPasses(second, 10_000);
    expect(first.said).not.toContain("lost");
  });

  it("is succeeded when it is paused, notices when it wakes up, and follows from then on", {
    timeout: 90_000,
  }, async () => {
    const paused = await start();
    await doesPasses(paused, 10_000);
    const second = await start();
    paused.child.kill("SIGSTOP");
    await doesPasses(second, 60_000);
    const before = paused.passes();
    paused.child.kill("SIGCONT");
    await expect.poll(() => paused.said, { timeout: 15_000 }).toContain("lost");
    await doesPasses(second, 10_000);
    // One pass may begin before it hears of its loss.
    expect(paused.passes()).toBeLessThanOrEqual(before + 1);
  });

  it("whose session is ended leads again, or another does", async () => {
    const only = await start();
    await doesPasses(only, 10_000);
    await withClient(database.url, (client) =>
      client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      ),
    );
    await doesPasses(only, 20_000);
  });
});
