import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlDatabase, type TestDatabase } from "../support/postgres.ts";

const ROOT = new URL("../../", import.meta.url);
/** Nothing listens there. */
const NOWHERE = "127.0.0.1:1";

let database: TestDatabase;
let children: ChildProcess[] = [];
beforeEach(async () => {
  database = await createControlDatabase();
});
afterEach(async () => {
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  children = [];
  await Promise.all(running.map((child) => [once(child, "exit"), child.kill("SIGKILL")][0]));
  await database.drop();
});

interface Server {
  url: string;
  lines: string[];
  stop(): Promise<number | null>;
}

function launch(env: Record<string, string>): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, ["api/server.ts"], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: NOWHERE,
      SLUICE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
      PORT: "0",
      ...env,
    },
  });
  children.push(child);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) =>
      lines.push(
        ...chunk
          .toString()
          .split("\n")
          .filter((line) => line !== ""),
      ),
    );
  }
  return { child, lines };
}

async function start(env: Record<string, string> = {}): Promise<Server> {
  const { child, lines } = launch(env);
  const exited = once(child, "exit").then(() => Promise.reject(new Error(`it ended: ${lines.join("\n")}`)));
  const ready = async (): Promise<number> => {
    for (;;) {
      const line = lines.find((each) => each.includes("API is ready"));
      if (line) return JSON.parse(line).port;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const port = await Promise.race([ready(), exited]);
  exited.catch(() => undefined);
  return {
    url: `http://127.0.0.1:${port}`,
    lines,
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const [code] = await ended;
      return code;
    },
  };
}

async function endsWith(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const { child, lines } = launch(env);
  const [code] = await once(child, "close");
  return { code, output: lines.join("\n") };
}

describe("the API process", () => {
  it("starts, admits runs and stops cleanly while Temporal is away", async () => {
    const server = await start();
    const post = async (path: string, body: unknown) => {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return JSON.parse(await response.text());
    };
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({
      status: "ready",
      database: "reachable",
      temporal: "unreachable",
    });
    const connection = await post("/connections", {
      name: "source",
      provider: "postgres",
      config: { host: "localhost", database: "shop", user: "reader" },
      secrets: { password: "canary-secret" },
    });
    const sync = await post("/syncs", { connectionId: connection.id, name: "Orders", entities: ["public.orders"] });
    const began = Date.now();
    const run = await post(`/syncs/${sync.id}/trigger`, {});
    expect(run).toMatchObject({ status: "pending", syncId: sync.id });
    expect(Date.now() - began).toBeLessThan(3_000);
    expect(await post(`/syncs/runs/${run.id}/cancel`, {})).toMatchObject({ status: "cancelled" });
    expect(await server.stop(), server.lines.join("\n")).toBe(0);
    expect(server.lines.join("\n")).not.toContain("canary-secret");
  });

  it("starts while the database is away, and says so", async () => {
    const server = await start({ DATABASE_URL: "postgres://nobody@127.0.0.1:1/x" });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/api/v1/syncs`)).status).toBe(503);
  });

  it("lets an open request end before it stops", async () => {
    const server = await start();
    const { port } = new URL(server.url);
    const slow = request({ port, host: "127.0.0.1", method: "POST", path: "/api/v1/syncs" });
    const answered = once(slow, "response");
    slow.write("{");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = server.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    slow.end("}");
    const [response] = await answered;
    expect(response.statusCode).toBe(422);
    response.resume();
    expect(await stopped).toBe(0);
  });

  it("refuses a body over 1 MiB with 422, announced or in chunks, and goes on", async () => {
    const server = await start();
    const url = `${server.url}/api/v1/syncs`;
    const large = "x".repeat(2 * 1024 * 1024);
    expect((await fetch(url, { method: "POST", body: large })).status).toBe(422);
    const chunked = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 32; i++) controller.enqueue(new TextEncoder().encode("x".repeat(64 * 1024)));
        controller.close();
      },
    });
    expect((await fetch(url, { method: "POST", body: chunked, duplex: "half" } as RequestInit)).status).toBe(422);
    expect((await fetch(url)).status).toBe(200);
  });

  it("refuses to listen to the network while nobody is asked who they are", async () => {
    const { code, output } = await endsWith({ HOST: "0.0.0.0" });
    expect(code).toBe(1);
    expect(output).toContain("no authentication is configured");
    expect(output).toContain("HOST=127.0.0.1");
  });

  it("names what is missing in its environment, and no value", async () => {
    const { code, output } = await endsWith({ DATABASE_URL: "", SLUICE_ENCRYPTION_KEYS: "k1:canary" });
    expect(code).toBe(1);
    expect(output).toContain("DATABASE_URL");
    expect(output).not.toContain("canary");
  });

  it("says so when its port is in use", async () => {
    const server = await start();
    const { code, output } = await endsWith({ PORT: new URL(server.url).port });
    expect(code).toBe(1);
    expect(output).toContain("EADDRINUSE");
  });
});
