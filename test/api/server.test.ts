import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeApiKey } from "../../api/api-keys.ts";
import { launchApi, whenReady } from "../support/api-process.ts";
import { whileLocked } from "../support/orders.ts";
import { createControlDatabase, type TestDatabase, withClient } from "../support/postgres.ts";
import { until } from "../support/world.ts";

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

function launch(env: Record<string, string>) {
  const launched = launchApi({ DATABASE_URL: database.url, ...env });
  children.push(launched.child);
  return launched;
}

const start = (env: Record<string, string> = {}) => whenReady(launch(env));

async function endsWith(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const { child, lines } = launch(env);
  const [code] = await once(child, "close");
  return { code, output: lines.join("\n") };
}

describe("the API process", () => {
  it("that is killed with a request at work: the next caller of its Idempotency-Key finishes it within seconds", async () => {
    const [first, second] = [await start(), await start()];
    const send = async (url: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(`${url}/api/v1${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: JSON.parse(await response.text()) };
    };
    const { body: connection } = await send(first.url, "/connections", {
      name: "source",
      provider: "postgres",
      config: { host: "localhost", database: "shop", user: "reader" },
      secrets: { password: "canary-secret" },
    });
    const { body: sync } = await send(first.url, "/syncs", {
      connectionId: connection.id,
      name: "Orders",
      entities: ["public.orders"],
    });
    const trigger = (url: string) => send(url, `/syncs/${sync.id}/trigger`, {}, { "idempotency-key": "once" });
    await whileLocked(database.url, "lock table runs in access exclusive mode", async (release) => {
      const lost = trigger(first.url).catch(() => "lost");
      const waiting = () =>
        withClient(database.url, async (client) => {
          const { rowCount } = await client.query(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%runs%'",
          );
          return rowCount ? true : null;
        });
      await until("the request at work", waiting);
      // Alive, however long it takes: longer than a lease.
      await sleep(8_000);
      expect(await trigger(second.url)).toMatchObject({ status: 409, body: { code: "request_in_flight" } });
      await first.kill();
      expect(await lost).toBe("lost");
      await release();
    });
    const answered = await until(
      "the answer",
      async () => {
        const answer = await trigger(second.url);
        return answer.status === 409 ? null : answer;
      },
      20_000,
    );
    expect(answered).toMatchObject({ status: 201, body: { status: "pending" } });
    const runs = await fetch(`${second.url}/api/v1/syncs/${sync.id}/runs`);
    expect(await runs.json()).toMatchObject({ total: 1, runs: [{ id: answered.body.id }] });
  });

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
    expect(Date.now() - began).toBeLessThan(20_000);
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

  it("serves the network once keys are configured, to those who have one", async () => {
    const { key, entry } = makeApiKey("ci", "read");
    const server = await start({ HOST: "0.0.0.0", SLUICE_API_KEYS: entry });
    const list = (headers: Record<string, string>) => fetch(`${server.url}/api/v1/syncs`, { headers });
    expect((await list({})).status).toBe(401);
    expect((await list({ "x-api-key": key })).status).toBe(200);
    expect((await list({ "x-api-key": key, host: "sluice.example.com" })).status).toBe(200);
    expect(await server.stop()).toBe(0);
    const log = server.lines.join("\n");
    expect(log).toContain('"actor":"key:ci"');
    expect(log).not.toContain("serves this machine only");
    for (const secret of [key, entry.split(":")[2] ?? ""]) expect(log).not.toContain(secret);
  });

  it("lets nothing through without a credential, however the path is written", async () => {
    const server = await start({ SLUICE_API_KEYS: makeApiKey("ci", "admin").entry });
    const { port } = new URL(server.url);
    const statusOf = async (
      path: string,
      options: { method?: string; headers?: Record<string, string | string[]> },
    ) => {
      const sent = request({ port, host: "127.0.0.1", path, ...options });
      const answered = once(sent, "response");
      sent.end();
      const [response] = await answered;
      response.resume();
      return response.statusCode;
    };
    for (const path of [
      "//api/v1/syncs",
      "/api//v1/syncs",
      "/./api/v1/syncs",
      "/docs/../api/v1/syncs",
      "/docs/%2e%2e/api/v1/syncs",
      "/%61pi/v1/syncs",
      "/api%2fv1/syncs",
      "/api\\v1\\syncs",
      "/api/v1/syncs#x",
      "http://127.0.0.1/api/v1/syncs",
      "http://evil.example.com/api/v1/syncs",
    ]) {
      for (const method of ["GET", "POST", "HEAD"]) {
        expect([400, 401, 404, 405], `${method} ${path}`).toContain(await statusOf(path, { method }));
      }
    }
    for (const headers of [
      { "x-api-key": ["", ""] },
      { authorization: ["Bearer a", "Bearer b"] },
      { cookie: ["vai_token=a", "vai_token=b"] },
    ]) {
      expect(await statusOf("/api/v1/syncs", { headers }), JSON.stringify(headers)).toBe(401);
    }
  });

  it("serves no stranger's name for this machine while nobody is asked who they are", async () => {
    const server = await start();
    const { port } = new URL(server.url);
    const sent = request({ port, host: "127.0.0.1", path: "/api/v1/syncs", headers: { host: "evil.example.com" } });
    const answered = once(sent, "response");
    sent.end();
    const [response] = await answered;
    response.resume();
    expect(response.statusCode).toBe(403);
    expect(server.lines.join("\n")).toContain("no authentication is configured, so it serves this machine only");
  });

  it("names what is missing in its environment, and no value", async () => {
    const wrong = { DATABASE_URL: "", SLUICE_ENCRYPTION_KEYS: "k1:canary", SLUICE_API_KEYS: "canary" };
    const { code, output } = await endsWith(wrong);
    expect(code).toBe(1);
    expect(output).toContain("DATABASE_URL");
    expect(output).toContain("SLUICE_API_KEYS: key 1");
    expect(output).not.toContain("canary");
  });

  it("says so when its port is in use", async () => {
    const server = await start();
    const { code, output } = await endsWith({ PORT: new URL(server.url).port });
    expect(code).toBe(1);
    expect(output).toContain("EADDRINUSE");
  });
});
