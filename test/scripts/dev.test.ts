import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readJson } from "../../scripts/lib/home.ts";
import { findProcess } from "../../scripts/lib/processes.ts";
import type { StackInfo } from "../../scripts/lib/stack.ts";
import { withClient } from "../support/postgres.ts";
import { createStackHome, type StackHome } from "../support/stack-home.ts";

const DEV = fileURLToPath(new URL("../../scripts/dev.ts", import.meta.url));

interface Dev {
  process: ChildProcess;
  output: () => string;
  exit: Promise<number | null>;
}

let home: StackHome;
const started: ChildProcess[] = [];
/** By all of them. */
let told = "";

beforeAll(async () => {
  home = await createStackHome();
});
afterAll(async () => {
  for (const child of started) child.kill("SIGTERM");
  await Promise.all(started.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
  await home.remove();
});

function startDev(): Dev {
  const child = spawn(process.execPath, [DEV], { env: home.env, stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      told += text;
    });
  return { process: child, output: () => output, exit: once(child, "exit").then(([code]) => code) };
}

/** What `dev.json` says once `accepts` likes it. */
function devInfo(accepts: (info: StackInfo) => boolean = () => true): Promise<StackInfo> {
  return vi.waitFor(
    () => {
      const info = readJson<StackInfo>(join(home.dir, "dev.json"));
      if (info === null || !accepts(info)) throw new Error(`dev.json says ${JSON.stringify(info)}; dev said:\n${told}`);
      return info;
    },
    { timeout: 45_000, interval: 100 },
  );
}

function allPids(info: StackInfo): number[] {
  return Object.values(info.pids).filter((pid) => pid !== null);
}

const isUp = ({ pids }: StackInfo) => Object.values(pids).every((pid) => pid !== null);

/** In order: each test goes on from the stack as the one before left it. */
describe("npm run dev", () => {
  test("brings up every part and says where it is, for its owner only", async () => {
    startDev();
    const info = await devInfo(isUp);
    expect(info).toMatchObject({
      apiUrl: `http://127.0.0.1:${home.env.PORT}`,
      docsUrl: `http://127.0.0.1:${home.env.PORT}/docs`,
      temporalAddress: `127.0.0.1:${home.env.TEMPORAL_PORT}`,
      temporalUiUrl: `http://127.0.0.1:${home.env.TEMPORAL_UI_PORT}`,
    });
    expect((await stat(join(home.dir, "dev.json"))).mode & 0o777).toBe(0o600);
    expect((await fetch(`${info.apiUrl}/readyz`)).status).toBe(200);
    for (const url of [info.databaseUrl, info.warehouseUrl, info.demoSourceUrl]) {
      const { rows } = await withClient(url, (client) =>
        client.query(
          "select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()",
        ),
      );
      expect(rows).toEqual([{ encoding: "UTF8" }]);
    }
  });

  test("a second start on the same home names the first one and fails", async () => {
    const second = startDev();
    expect(await second.exit).toBe(1);
    expect(second.output()).toContain(`process ${started[0]?.pid}, API http://127.0.0.1:${home.env.PORT}`);
  });

  test("every child that is killed comes back, and dev.json follows", async () => {
    const before = await devInfo(isUp);
    for (const pid of allPids(before)) process.kill(pid, "SIGKILL");
    const after = await devInfo((info) => isUp(info) && allPids(info).every((pid) => !allPids(before).includes(pid)));
    await vi.waitFor(async () => expect((await fetch(`${after.apiUrl}/readyz`)).status).toBe(200), {
      timeout: 20_000,
      interval: 200,
    });
    await withClient(after.databaseUrl, (client) => client.query("select 1"));
  });

  test("a start after the supervisor was killed ends what it left and keeps the data", async () => {
    const before = await devInfo(isUp);
    await withClient(before.warehouseUrl, (client) => client.query("create table kept as select 42 as answer"));
    started[0]?.kill("SIGKILL");
    const again = startDev();
    const after = await devInfo((info) => isUp(info) && info.pids.postgres !== before.pids.postgres);
    expect(allPids(before).map(findProcess)).toEqual([null, null, null, null]);
    expect(again.output()).toContain(`ending postgres (process ${before.pids.postgres})`);
    const { rows } = await withClient(after.warehouseUrl, (client) => client.query("select answer from kept"));
    expect(rows).toEqual([{ answer: 42 }]);
  });

  test("SIGTERM ends every child and leaves no lock behind", async () => {
    const info = await devInfo(isUp);
    const dev = started.at(-1);
    dev?.kill("SIGTERM");
    expect(dev === undefined ? null : (await once(dev, "exit"))[0]).toBe(0);
    expect(allPids(info).map(findProcess)).toEqual([null, null, null, null]);
    expect(readJson(join(home.dir, "dev.json"))).toBeNull();
    expect(readJson(join(home.dir, "lock"))).toBeNull();
  });

  test("a second Ctrl-C does not wait, and leaves no child either", async () => {
    const dev = startDev();
    const info = await devInfo(isUp);
    dev.process.kill("SIGINT");
    await sleep(1_100);
    dev.process.kill("SIGINT");
    await dev.exit;
    await vi.waitFor(() => expect(allPids(info).map(findProcess)).toEqual([null, null, null, null]), {
      timeout: 8_000,
    });
  });
});
