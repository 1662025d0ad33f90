import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import type { AssertionKey } from "../../../../providers/lib/http/auth/assertion.ts";
import { baseString, oauth1Auth, signRequest } from "../../../../providers/lib/http/auth/oauth1.ts";
import { clientCredentialsAuth, jwtBearerAuth } from "../../../../providers/lib/http/auth/oauth2.ts";
import { GET, openClient, sendJson, serve } from "./local-http.ts";

const TBA = {
  consumerKey: "9djdj82h48djs9d2",
  consumerSecret: "j49sk3j29djd",
  token: "kkk9d7dh3k39sjv7",
  tokenSecret: "dh893hdasih9",
  realm: "1234567_SB1",
};

describe("OAuth 1", () => {
  it("signs what RFC 5849, section 3.4.1.1, says", () => {
    const request = {
      method: "post",
      url: new URL("HTTP://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "c2&a3=2+q",
    };
    const protocol: [string, string][] = [
      ["oauth_consumer_key", "9djdj82h48djs9d2"],
      ["oauth_token", "kkk9d7dh3k39sjv7"],
      ["oauth_signature_method", "HMAC-SHA1"],
      ["oauth_timestamp", "137131201"],
      ["oauth_nonce", "7d8f3e4a"],
    ];
    expect(baseString(request, protocol)).toBe(
      "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q" +
        "%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2" +
        "%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201" +
        "%26oauth_token%3Dkkk9d7dh3k39sjv7",
    );
  });

  it("signs by HMAC-SHA256, with the realm beside the parameters", () => {
    const url = new URL("https://1234567.suitetalk.example/services/rest/query/v1/suiteql?limit=1000&offset=0");
    const stamp = { nonce: "fjaLirsIcCGVZWzBX0pg", timestamp: 1_508_242_306 };
    const header = signRequest(TBA, { method: "POST", url, headers: {}, body: '{"q":"select 1"}' }, stamp);
    const base =
      "POST&https%3A%2F%2F1234567.suitetalk.example%2Fservices%2Frest%2Fquery%2Fv1%2Fsuiteql&limit%3D1000" +
      "%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3DfjaLirsIcCGVZWzBX0pg" +
      "%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1508242306%26oauth_token%3Dkkk9d7dh3k39sjv7" +
      "%26oauth_version%3D1.0%26offset%3D0";
    const signature = createHmac("sha256", "j49sk3j29djd&dh893hdasih9").update(base).digest("base64");
    expect(header).toBe(
      'OAuth realm="1234567_SB1", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", ' +
        'oauth_signature_method="HMAC-SHA256", oauth_timestamp="1508242306", oauth_nonce="fjaLirsIcCGVZWzBX0pg", ' +
        `oauth_version="1.0", oauth_signature="${encodeURIComponent(signature)}"`,
    );
  });

  it("signs each request as it is sent, anew for each attempt, and never a hop to another origin", async () => {
    const other = await serve((_, response) => sendJson(response, []));
    const statuses = [503, 302];
    const local = await serve((_, response) =>
      response.writeHead(statuses.shift() ?? 200, { location: `${other.origin}/moved` }).end(),
    );
    const client = openClient({ baseUrl: `${local.origin}/api`, auth: oauth1Auth(TBA) });
    await client.send({ ...GET, query: [["q", "a b+c*'()!"]] });
    const headers = local.received.map((each) => each.headers.authorization ?? "");
    for (const [i, header] of headers.entries()) {
      const parts = Object.fromEntries(
        [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value = ""]) => [name, value]),
      );
      const again = signRequest(
        TBA,
        { method: "GET", url: new URL(local.received[i]?.url ?? "", local.origin), headers: {}, body: null },
        { nonce: parts.oauth_nonce ?? "", timestamp: Number(parts.oauth_timestamp) },
      );
      expect(header).toBe(again);
    }
    expect(new Set(headers).size).toBe(2);
    expect(other.received[0]?.headers.authorization).toBeUndefined();
  });

  it("that is refused is final, and shows no secret", async () => {
    const local = await serve(({ headers }, response) =>
      response.writeHead(401).end(`${headers.authorization} j49sk3j29djd`),
    );
    const sent = openClient({ baseUrl: local.origin, auth: oauth1Auth(TBA) }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_auth_failed" });
    await expect(sent).rejects.not.toThrow(/kkk9d7dh3k39sjv7|j49sk3j29djd/);
    expect(local.received).toHaveLength(1);
  });
});

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1"): string => String(key.export({ type, format: "pem" }));

/** A token endpoint that gives a token for whatever it is sent, and an API that takes it. */
async function serveTokens() {
  const forms: URLSearchParams[] = [];
  const local = await serve(({ url, body }, response) => {
    if (url === "/token") forms.push(new URLSearchParams(body));
    sendJson(response, url === "/token" ? { access_token: "access-1", expires_in: 3600 } : []);
  });
  return { ...local, forms };
}

describe("an assertion", () => {
  it.each<[string, AssertionKey["algorithm"], string, KeyObject]>([
    ["RS256, PKCS #8", "RS256", pem(rsa.privateKey, "pkcs8"), rsa.publicKey],
    ["RS256, PKCS #1", "RS256", pem(rsa.privateKey, "pkcs1"), rsa.publicKey],
    ["PS256", "PS256", pem(rsa.privateKey, "pkcs8"), rsa.publicKey],
    ["ES256, SEC 1", "ES256", pem(ec.privateKey, "sec1"), ec.publicKey],
    ["ES256, on one line", "ES256", pem(ec.privateKey, "pkcs8").replaceAll("\n", "\\n"), ec.publicKey],
  ])("is signed as the source verifies it: %s", async (_, algorithm, privateKey, publicKey) => {
    const local = await serveTokens();
    const auth = jwtBearerAuth(
      { tokenUrl: `${local.origin}/token`, clientId: "c1", clientSecret: null, sendIn: "body" },
      { algorithm, privateKey, keyId: "k1" },
      { issuer: "c1", subject: "mail@corp.example", audience: "https://login.example", more: { scope: "read" } },
    );
    await openClient({ baseUrl: local.origin, auth }).send(GET);
    const form = local.forms[0];
    expect(form?.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const { payload, protectedHeader } = await jwtVerify(form?.get("assertion") ?? "", publicKey, {
      ...{ issuer: "c1", subject: "mail@corp.example", audience: "https://login.example" },
    });
    expect(protectedHeader).toEqual({ alg: algorithm, kid: "k1", typ: "JWT" });
    expect(payload).toMatchObject({ scope: "read", jti: expect.any(String) });
  });

  it("has the members of its header that a source asks for", async () => {
    const local = await serveTokens();
    const auth = clientCredentialsAuth({
      ...{ tokenUrl: `${local.origin}/token`, clientId: "c1", clientSecret: null, sendIn: "assertion" },
      assertion: { algorithm: "PS256", privateKey: pem(rsa.privateKey, "pkcs8"), header: { "x5t#S256": "abc" } },
    });
    await openClient({ baseUrl: local.origin, auth }).send(GET);
    const { protectedHeader } = await jwtVerify(local.forms[0]?.get("client_assertion") ?? "", rsa.publicKey);
    expect(protectedHeader).toEqual({ alg: "PS256", typ: "JWT", "x5t#S256": "abc" });
  });

  it("stands for the client's secret, with scopes as the source divides them", async () => {
    const local = await serveTokens();
    const auth = clientCredentialsAuth({
      ...{ tokenUrl: `${local.origin}/token`, clientId: "c1", clientSecret: null, sendIn: "assertion" },
      assertion: { algorithm: "PS256", privateKey: pem(rsa.privateKey, "pkcs8"), keyId: "cert 1" },
      ...{ scopes: ["rest_webservices", "restlets"], scopeSeparator: "," },
    });
    await openClient({ baseUrl: local.origin, auth }).send(GET);
    const { client_assertion: assertion = "", ...rest } = Object.fromEntries(local.forms[0] ?? []);
    expect(rest).toEqual({
      grant_type: "client_credentials",
      client_id: "c1",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      scope: "rest_webservices,restlets",
    });
    const { payload } = await jwtVerify(assertion, rsa.publicKey, { audience: `${local.origin}/token` });
    expect(payload).toMatchObject({ iss: "c1", sub: "c1" });
  });

  it.each<[string, AssertionKey, string]>([
    ["no key", { algorithm: "RS256", privateKey: "canary-key" }, "the private key cannot be read"],
    ["another kind of key", { algorithm: "RS256", privateKey: pem(ec.privateKey, "pkcs8") }, "does not fit RS256"],
    ["a key for another curve", { algorithm: "ES256", privateKey: pem(rsa.privateKey, "pkcs8") }, "does not fit ES256"],
  ])("with %s is an error of the configuration, which says what key it takes", async (_, key, why) => {
    const local = await serveTokens();
    const auth = jwtBearerAuth(
      { tokenUrl: `${local.origin}/token`, clientId: "c1", clientSecret: null, sendIn: "body" },
      key,
      { issuer: "c1", subject: "s", audience: "a" },
    );
    const sent = openClient({ baseUrl: local.origin, auth }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "config_invalid" });
    await expect(sent).rejects.toThrow(why);
    await expect(sent).rejects.not.toThrow("canary");
    expect(local.received).toEqual([]);
  });
});
