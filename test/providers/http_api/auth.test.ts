import { generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { createAuthenticator } from "../../../providers/http_api/auth.ts";
import { authSchema } from "../../../providers/http_api/config/auth.ts";
import { GET, openClient, sendJson, serve } from "../lib/http/local-http.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = String(rsa.privateKey.export({ type: "pkcs8", format: "pem" }));

/** Gives tokens at `/token`, and says with each that the API is at `/eu`. */
async function serveApi() {
  const forms: URLSearchParams[] = [];
  const local = await serve(({ url, body }, response) => {
    if (url !== "/token") return sendJson(response, [url]);
    forms.push(new URLSearchParams(body));
    return sendJson(response, { access_token: "access-1", instance_url: `${local.origin}/eu` });
  });
  const send = async (auth: z.input<typeof authSchema>, secrets: Record<string, string>) => {
    const authenticator = createAuthenticator(authSchema.parse(auth), secrets, local.origin);
    const response = await openClient({ baseUrl: local.origin, auth: authenticator }).send(GET);
    return response.json();
  };
  return { ...local, forms, send, tokenUrl: `${local.origin}/token` };
}

describe("a config of http_api", () => {
  it("lets a client in by an assertion in place of its secret", async () => {
    const api = await serveApi();
    const answer = await api.send(
      {
        ...{ type: "oauth2_client_assertion", tokenUrl: api.tokenUrl, clientId: "c1", algorithm: "PS256", keyId: "k1" },
        ...{ privateKeySecret: "pem", scopes: ["a", "b"], scopeSeparator: ",", assertionAudience: "https://login" },
      },
      { pem },
    );
    expect(answer).toEqual(["/orders"]);
    const { client_assertion: assertion = "", scope } = Object.fromEntries(api.forms[0] ?? []);
    expect(scope).toBe("a,b");
    const { payload, protectedHeader } = await jwtVerify(assertion, rsa.publicKey, { audience: "https://login" });
    expect([payload.iss, protectedHeader]).toEqual(["c1", { alg: "PS256", kid: "k1", typ: "JWT" }]);
  });

  it("lets a service account in for a user, and goes to the address that the answer names", async () => {
    const api = await serveApi();
    const answer = await api.send(
      {
        ...{ type: "oauth2_jwt_bearer", tokenUrl: api.tokenUrl, issuer: "sa@project", subject: "anna@corp.example" },
        ...{ algorithm: "RS256", privateKeySecret: "pem", scopes: ["mail.read", "x"], baseUrlPath: "instance_url" },
      },
      { pem },
    );
    expect(answer).toEqual(["/eu/orders"]);
    expect(api.forms[0]?.get("scope")).toBeNull();
    const { payload } = await jwtVerify(api.forms[0]?.get("assertion") ?? "", rsa.publicKey);
    expect(payload).toMatchObject({
      ...{ iss: "sa@project", sub: "anna@corp.example", aud: api.tokenUrl, scope: "mail.read x" },
    });
  });

  it("signs requests by OAuth 1", async () => {
    const api = await serveApi();
    await api.send(
      {
        ...{ type: "oauth1", consumerKey: "ck", consumerSecretSecret: "cs", tokenIdSecret: "ti" },
        ...{ tokenSecretSecret: "ts", realm: "7_SB1" },
      },
      { cs: "consumer", ti: "the token", ts: "secret" },
    );
    expect(api.received[0]?.headers.authorization).toMatch(
      /^OAuth realm="7_SB1", oauth_consumer_key="ck", oauth_token="the%20token", oauth_signature_method="HMAC-SHA256"/,
    );
  });
});
