import { once } from "node:events";
import { connect } from "node:net";
import { SignJWT } from "jose";
import { sql } from "kysely";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { OPEN_ACCESS } from "../../api/access.ts";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { createApp } from "../../api/app.ts";
import { createHttpServer } from "../../api/http-server.ts";
import { createTokenVerifier } from "../../api/tokens.ts";
import { admit, insertSync } from "../support/runs.ts";
import { claimsOf } from "../support/token-issuer.ts";
import { type Api, createApi } from "./harness.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const [greedy, modest] = [makeApiKey("greedy", "read"), makeApiKey("modest", "read")];

let api: Api;
let path: string;
beforeAll(async () => {
  const verifyToken = createTokenVerifier({ issuer: undefined, audience: undefined, trust: { secret: SECRET } });
  api = await createApi({ access: { keys: parseApiKeys(`${greedy.entry},${modest.entry}`), verifyToken } });
  path = `/api/v1/syncs/runs/${(await admit(api.db, await insertSync(api.db))).id}/events`;
});
afterAll(() => api.close());

const STREAM = { accept: "text/event-stream" };

function open(headers: Record<string, string>): Promise<Response> {
  return api.fetch(new Request(`http://localhost${path}`, { headers: { ...STREAM, ...headers } }));
}

function tokenUntil(exp: number): Promise<string> {
  return new SignJWT(claimsOf({ exp })).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET));
}

describe("a stream of events", () => {
  it.each<[name: string, headers: (token: string) => Record<string, string>]>([
    ["a bearer token", (token) => ({ authorization: `Bearer ${token}` })],
    ["a cookie", (token) => ({ cookie: `vai_token=${token}` })],
  ])("ends when %s ends", { timeout: 60_000 }, async (_name, headers) => {
    const exp = Math.floor(Date.now() / 1000) + 3;
    const stream = await open(headers(await tokenUntil(exp)));
    expect(stream.status).toBe(200);
    // All of it: it would not come to an end otherwise.
    expect(await stream.text()).toContain("event: run.admitted");
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000 - 50);
  });

  it("of a token that ends in years is not ended by a timer that overflows", async () => {
    const stream = await open({ authorization: `Bearer ${await tokenUntil(99_999_999_999)}` });
    const reader = stream.body?.getReader();
    const begun = new TextDecoder().decode((await reader?.read())?.value);
    expect(begun).toContain("retry: 2000");
    let text = "";
    while (!text.includes("run.admitted")) text += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
  });

  it("is bounded for each caller, so that one leaves room for others", { timeout: 60_000 }, async () => {
    const held: Response[] = [];
    onTestFinished(async () => {
      for (const stream of held) await stream.body?.cancel();
    });
    let refused: Response | null = null;
    while (refused === null && held.length < 1_000) {
      const stream = await open({ "x-api-key": greedy.key });
      if (stream.status === 200) held.push(stream);
      else refused = stream;
    }
    expect(refused?.status).toBe(503);
    expect(refused?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await refused?.json()).toMatchObject({ code: "too_many_streams" });
    const other = await open({ "x-api-key": modest.key });
    expect(other.status).toBe(200);
    await other.body?.cancel();
    await held.pop()?.body?.cancel();
    const again = async () => {
      const stream = await open({ "x-api-key": greedy.key });
      await stream.body?.cancel();
      return stream.status;
    };
    await expect.poll(again, { timeout: 10_000 }).toBe(200);
  });

  it("of a client that takes nothing ends with its token all the same", { timeout: 60_000 }, async () => {
    const { id } = await admit(api.db, await insertSync(api.db));
    // More than the sockets of both ends hold.
    await sql`
      insert into run_events (run_id, kind, data)
      select ${id}, 'run.begun', jsonb_build_object('padding', repeat('x', 100000)) from generate_series(1, 400)`.execute(
      api.db,
    );
    const verifyToken = createTokenVerifier({ issuer: undefined, audience: undefined, trust: { secret: SECRET } });
    const app = createApp({
      ...{ db: api.db, keyring: api.keyring, control: api.control, findProvider: () => null },
      log: pino({ level: "silent" }),
      access: { ...OPEN_ACCESS, verifyToken },
    });
    const server = createHttpServer(app.fetch, "127.0.0.1");
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const token = await tokenUntil(Math.floor(Date.now() / 1000) + 3);
    const socket = connect(address.port, "127.0.0.1");
    socket.pause();
    socket.write(
      `GET /api/v1/syncs/runs/${id}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const connections = () =>
      new Promise<number>((resolve, reject) =>
        server.getConnections((error, n) => (error ? reject(error) : resolve(n))),
      );
    await expect.poll(connections, { timeout: 10_000 }).toBe(1);
    await expect.poll(connections, { timeout: 40_000 }).toBe(0);
    socket.destroy();
  });
});
