import { expect, it } from "vitest";
import type { EgressGuard } from "../../../../providers/lib/http/egress.ts";
import { followRedirects } from "../../../../providers/lib/http/redirects.ts";
import type { Answer, Outgoing, Transport } from "../../../../providers/lib/http/transport.ts";

/** Ports 80 and 443 are nobody's to listen on here: what would go over the wire is written down instead. */
function createWire(redirects: Record<string, [status: number, location: string]>) {
  const sent: Outgoing[] = [];
  const transport: Transport = {
    async exchange(outgoing): Promise<Answer> {
      sent.push(outgoing);
      const [status, location] = redirects[outgoing.url.href] ?? [200, null];
      return {
        status,
        headers: new Headers(location === null ? {} : { location }),
        body: { bytes: Buffer.from("[]"), isUnpacked: false, letGo: null },
      };
    },
    hasMoved: () => false,
    noteMoved: () => undefined,
    close: async () => undefined,
  };
  const guard: EgressGuard = { check: () => undefined, lookup: () => () => undefined };
  return {
    sent,
    follow: (first: Outgoing) =>
      followRedirects({ guard, transport, isAllowed: () => false, moved: new Map() }, first, AUTHORIZATION),
  };
}

const AUTHORIZATION = { headers: { authorization: "Bearer t" }, query: [] as [string, string][] };
const post = (url: string): Outgoing => ({
  ...{ method: "POST", url: new URL(url), body: "{}" },
  headers: { "content-type": "application/json", "x-team": "7" },
});

it("to the same host over TLS is followed with the credentials, the method and the body", async () => {
  for (const status of [301, 302, 307, 308]) {
    const { sent, follow } = createWire({ "http://api.example/orders": [status, "https://api.example/orders"] });
    await follow(post("http://api.example/orders"));
    expect(sent).toMatchObject([
      {},
      { method: "POST", body: "{}", headers: { authorization: "Bearer t", "x-team": "7" } },
    ]);
  }
});

it.each([
  ["http://api.example/orders", "https://api.example:8443/orders"],
  ["http://api.example:8080/orders", "https://api.example/orders"],
  ["https://api.example/orders", "http://api.example/orders"],
  ["http://api.example/orders", "https://www.api.example/orders"],
])("from %s to %s takes no credentials along", async (from, to) => {
  const { sent, follow } = createWire({ [from]: [302, to] });
  await follow({ ...post(from), method: "GET", body: null });
  expect(sent[1]?.headers).not.toHaveProperty("authorization");
  expect(sent[1]?.headers).not.toHaveProperty("x-team");
});
