import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { choosePort, freePort, isPortFree } from "../../scripts/lib/ports.ts";

let busy: Server;
let busyPort: number;
beforeEach(async () => {
  busyPort = await freePort();
  busy = createServer();
  await new Promise<void>((resolve) => busy.listen(busyPort, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => busy.close(resolve)));

function context(env: NodeJS.ProcessEnv) {
  const lines: string[] = [];
  return { lines, env, taken: new Set<number>(), log: (line: string) => void lines.push(line) };
}

describe("choosePort", () => {
  const request = { variable: "PORT", label: "API" };

  test("takes the port that the variable names", async () => {
    const port = await freePort();
    expect(await choosePort({ ...request, fallback: busyPort }, context({ PORT: String(port) }))).toBe(port);
  });

  test("a port that was asked for and is in use is an error that names the variable", async () => {
    const chosen = choosePort({ ...request, fallback: 1 }, context({ PORT: String(busyPort) }));
    await expect(chosen).rejects.toThrow(`API port ${busyPort} (PORT) is in use`);
  });

  test.each(["http", "0", "65536", "-1", "1.5"])("%s is refused as a port", async (value) => {
    await expect(choosePort({ ...request, fallback: 1 }, context({ PORT: value }))).rejects.toThrow("is not a port");
  });

  test("a default port that is in use is passed over, and that is said", async () => {
    const ctx = context({});
    const port = await choosePort({ ...request, fallback: busyPort }, ctx);
    expect(port).toBeGreaterThan(busyPort);
    expect(await isPortFree(port)).toBe(true);
    expect(ctx.lines).toEqual([`API port ${busyPort} is in use, taking ${port} (PORT sets it)`]);
  });

  test("the same port is never given twice", async () => {
    const ctx = context({});
    const fallback = await freePort();
    const first = await choosePort({ ...request, fallback }, ctx);
    expect(await choosePort({ variable: "OTHER_PORT", label: "other", fallback }, ctx)).not.toBe(first);
  });
});
