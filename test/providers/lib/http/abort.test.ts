import { describe, expect, it } from "vitest";
import { oneBucket } from "../../../../providers/lib/http/admission.ts";
import { clientCredentialsAuth, refreshTokenAuth } from "../../../../providers/lib/http/auth/oauth2.ts";
import type { HttpClientOptions } from "../../../../providers/lib/http/client.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { GET, type Handler, openClient, sendJson, serve } from "./local-http.ts";

const SLOW = { bucket: "orders", perSecond: 1, burst: 1, concurrency: 1 };
const hang: Handler = () => undefined;
const hangInBody: Handler = (_, response) => response.writeHead(200).write("[");
const throttle: Handler = (_, response) => response.writeHead(429, { "retry-after": "5" }).end();
const never = new Promise<never>(() => undefined);

describe("an aborted client", () => {
  it.each<[string, Handler, (origin: string) => Partial<HttpClientOptions>]>([
    ["before the answer", hang, () => ({})],
    ["in the middle of a body", hangInBody, () => ({})],
    ["between two attempts", throttle, () => ({})],
    ["while others have their turn", hang, () => ({ limit: oneBucket({ ...SLOW, perSecond: 1000, burst: 1000 }) })],
    [
      "while it waits for leave",
      hang,
      () => ({
        limit: oneBucket(SLOW),
        shared: { ...createSharedConnection(), reserve: () => never },
      }),
    ],
    [
      "while it is told to wait",
      hang,
      () => ({
        limit: oneBucket(SLOW),
        shared: { ...createSharedConnection(), reserve: async () => ({ given: false, waitMs: 5_000, place: 1 }) },
      }),
    ],
    [
      "while a token is asked for",
      hang,
      (origin) => ({
        auth: clientCredentialsAuth({ tokenUrl: origin, clientId: "a", clientSecret: "secret", sendIn: "body" }),
      }),
    ],
    ["while a name is resolved", hang, () => ({ baseUrl: "http://slow.example", resolve: () => never })],
  ])("stops at once, with the reason of the abort: %s", async (_, handler, optionsOf) => {
    const local = await serve(handler);
    const controller = new AbortController();
    const client = openClient({ baseUrl: local.origin, signal: controller.signal, ...optionsOf(local.origin) });
    const sent = Promise.allSettled([client.send(GET), client.send(GET)]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const reason = new Error("cancelled");
    const abortedAt = performance.now();
    controller.abort(reason);
    const refused = { status: "rejected", reason };
    expect(await sent).toEqual([refused, refused]);
    await client.close();
    expect(performance.now() - abortedAt).toBeLessThan(10_000);
    await expect(client.send(GET)).rejects.toBe(reason);
  });

  it("keeps a refresh token that the source has just replaced", async () => {
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const local = await serve(async (_, response) => {
      asked.resolve();
      await gate.promise;
      sendJson(response, { access_token: "access-2", refresh_token: "refresh-2" });
    });
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const auth = refreshTokenAuth(
      { tokenUrl: `${local.origin}/token`, clientId: "a", clientSecret: null, sendIn: "body" },
      { name: "refreshToken", value: "refresh-1" },
    );
    const controller = new AbortController();
    const client = openClient({ baseUrl: local.origin, auth, shared, signal: controller.signal });
    const sent = client.send(GET);
    await asked.promise;
    controller.abort(new Error("cancelled"));
    await expect(sent).rejects.toThrow("cancelled");
    await client.close();
    gate.resolve();
    await expect.poll(() => shared.now.secrets).toEqual({ refreshToken: "refresh-2" });
  });
});

describe("a closed client", () => {
  it("leaves no connection open, and refuses to send", async () => {
    const open = new Set<unknown>();
    const local = await serve((_, response, { socket }) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      sendJson(response, []);
    });
    const client = openClient({ baseUrl: local.origin });
    await client.send(GET);
    expect(open.size).toBe(1);
    await client.close();
    await expect.poll(() => open.size).toBe(0);
    await expect(client.send(GET)).rejects.toThrow("destroyed");
  });
});
