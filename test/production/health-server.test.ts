import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startHealthServer } from "../../control/health-server.ts";

describe("the health of a worker", () => {
  let parts: () => Promise<Record<string, boolean>>;
  let server: Awaited<ReturnType<typeof startHealthServer>>;
  beforeEach(async () => {
    const metrics = async () => "sluice_workers 1\n";
    server = await startHealthServer({ host: "127.0.0.1", port: 0, look: () => parts(), metrics });
  });
  afterEach(() => server.stop());

  async function ask(path = "/healthz") {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  it("is well when all parts are", async () => {
    parts = async () => ({ worker: true, database: true });
    expect(await ask()).toEqual({ status: 200, body: { status: "ok", worker: true, database: true } });
  });

  it("names the part that is not", async () => {
    parts = async () => ({ worker: true, database: false });
    expect(await ask()).toEqual({ status: 503, body: { status: "unavailable", worker: true, database: false } });
  });

  it("does not wait for ever", async () => {
    parts = () => new Promise(() => undefined);
    expect(await ask()).toEqual({ status: 503, body: { status: "unavailable", answered: false } });
  });

  it("shows metrics to Prometheus", async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toBe("sluice_workers 1\n");
  });

  it("has nothing else to say", async () => {
    parts = async () => ({});
    expect(await ask("/")).toEqual({ status: 404, body: null });
  });
});
