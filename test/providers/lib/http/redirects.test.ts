import { describe, expect, it } from "vitest";
import { apiKeyAuth, bearerAuth } from "../../../../providers/lib/http/auth/fixed.ts";
import { GET, openClient, sendJson, serve } from "./local-http.ts";

const redirectTo = (location: string, status = 302) =>
  serve((_, response) => response.writeHead(status, { location }).end("moved"));

describe("a redirect", () => {
  it.each([
    ["to loopback", "https://127.0.0.1/"],
    ["to a number", "https://2130706433/"],
    ["to a mapped address", "https://[::ffff:7f00:1]/"],
    ["to the metadata service", "http://169.254.169.254/latest/meta-data/"],
    ["to a name of a private address", "https://internal.example/"],
    ["without a scheme", "//internal.example/"],
    ["with a user", "https://example.com@internal.example/"],
    ["to a file", "file:///etc/passwd"],
    ["to gopher", "gopher://127.0.0.1:6379/_FLUSHALL"],
    ["to http at a public host", "http://public.example/"],
  ])("%s is refused", async (_, location) => {
    const local = await redirectTo(location);
    const client = openClient({
      baseUrl: `http://api.example:${local.port}/`,
      egress: { allowPrivate: ["api.example"], allowOnly: null },
      resolve: async (host) => [{ "api.example": "127.0.0.1", "public.example": "8.8.8.8" }[host] ?? "10.0.0.1"],
    });
    await expect(client.send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_address_refused",
    });
    expect(local.received).toHaveLength(1);
  });

  it("is refused at the end of a chain as at its start", async () => {
    const local = await serve(({ url }, response) =>
      response.writeHead(302, { location: url === "/orders" ? "/second" : "https://10.0.0.1/" }).end(),
    );
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({
      reasonCode: "source_address_refused",
    });
    expect(local.received.map(({ url }) => url)).toEqual(["/orders", "/second"]);
  });

  it("that nobody wants followed is the answer", async () => {
    const other = await serve((_, response) => sendJson(response, "there"));
    const local = await redirectTo(`${other.origin}/file`);
    const response = await openClient({ baseUrl: local.origin }).send({ ...GET, follow: false });
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe(`${other.origin}/file`);
    expect(other.received).toEqual([]);
  });

  it("is followed five times and no more", async () => {
    const local = await serve(({ url }, response) => {
      const hop = Number(new URL(url, "http://x").searchParams.get("hop"));
      return hop === 5 ? sendJson(response, "there") : response.writeHead(307, { location: `?hop=${hop + 1}` }).end();
    });
    const client = openClient({ baseUrl: local.origin });
    const response = await client.send(GET);
    expect(response.json()).toBe("there");
    expect(response.url).toBe(`${local.origin}/orders?hop=5`);

    const endless = await redirectTo("/orders");
    await expect(openClient({ baseUrl: endless.origin }).send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_response_invalid",
      message: expect.stringContaining("was redirected more than 5 times"),
    });
    expect(endless.received).toHaveLength(6);
  });

  it("within the origin keeps credentials, also those in the query", async () => {
    const local = await serve(({ url }, response) =>
      url.startsWith("/orders") ? response.writeHead(302, { location: "/moved?page=2" }).end() : sendJson(response, []),
    );
    const auth = apiKeyAuth({ in: "query", name: "key", value: "k-canary" });
    const response = await openClient({ baseUrl: local.origin, auth, headers: { "X-Shop": "7" } }).send(GET);
    expect(local.received.map(({ url, headers }) => [url, headers["x-shop"]])).toEqual([
      ["/orders?key=k-canary", "7"],
      ["/moved?page=2&key=k-canary", "7"],
    ]);
    expect(response.url).toBe(`${local.origin}/moved?page=2`);
  });

  it("to another origin leaves every credential behind, and coming back does not bring them back", async () => {
    const home = await serve(({ url }, response) =>
      url === "/orders"
        ? response.writeHead(302, { location: `${other.origin}/away`, "set-cookie": "session=canary" }).end()
        : sendJson(response, "home again"),
    );
    const other = await serve((_, response) => response.writeHead(302, { location: `${home.origin}/back` }).end());
    const client = openClient({
      baseUrl: home.origin,
      auth: bearerAuth("t-canary"),
      headers: { "X-Api-Key": "h-canary", Accept: "application/x-orders" },
    });
    const answer = await client.send({ ...GET, headers: { cookie: "c=canary" } });
    expect(answer.json()).toBe("home again");
    const [first, back] = home.received;
    expect(first?.headers).toMatchObject({
      authorization: "Bearer t-canary",
      "x-api-key": "h-canary",
      cookie: "c=canary",
    });
    for (const request of [other.received[0], back]) {
      expect(JSON.stringify(request)).not.toContain("canary");
      expect(request?.headers.accept).toBe("application/x-orders");
    }
  });

  it.each([
    [301, "GET", ""],
    [302, "GET", ""],
    [303, "GET", ""],
    [307, "POST", '{"page":1}'],
    [308, "POST", '{"page":1}'],
  ])("with status %i makes of a POST a %s", async (status, method, body) => {
    const local = await serve(({ url }, response) =>
      url === "/orders" ? response.writeHead(status, { location: "/moved" }).end() : sendJson(response, []),
    );
    await openClient({ baseUrl: local.origin }).send({ ...GET, method: "POST", json: { page: 1 } });
    expect(local.received[1]).toMatchObject({ method, body, url: "/moved" });
    expect(local.received[1]?.headers["content-type"]).toBe(body === "" ? undefined : "application/json");
  });

  it("never carries a body to another origin", async () => {
    const other = await serve((_, response) => sendJson(response, []));
    const local = await redirectTo(`${other.origin}/`, 307);
    const sent = openClient({ baseUrl: local.origin }).send({ ...GET, method: "POST", json: { password: "canary" } });
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_response_invalid" });
    expect(other.received).toEqual([]);
  });

  it("without a Location is an answer that cannot be used", async () => {
    const local = await serve((_, response) => response.writeHead(302).end("moved"));
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({
      reasonCode: "source_response_invalid",
    });
  });
});
