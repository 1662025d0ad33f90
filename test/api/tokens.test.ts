import { exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VerifyToken } from "../../api/access.ts";
import { createTokenVerifier } from "../../api/tokens.ts";
import { claimsOf, startTokenIssuer, type TokenIssuer } from "../support/token-issuer.ts";

const ISSUED = { issuer: "https://id.example.com", audience: "sluice" };
const SECRET = "0123456789abcdef0123456789abcdef-canary";

function signed(claims: JWTPayload, secret = SECRET, alg = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

/** The code and the message of a refusal. */
async function refusalOf(verify: VerifyToken, token: string): Promise<[code: unknown, message: string]> {
  const failure = await verify(token).then(
    (identity) => new Error(`accepted as ${identity.actor}`),
    (error: Error) => error,
  );
  return ["code" in failure ? failure.code : null, failure.message];
}

const refused = (reason: string) => ["unauthenticated", expect.stringContaining(reason)];

describe("a token signed with the secret", () => {
  const verify = createTokenVerifier({ ...ISSUED, trust: { secret: SECRET } });

  it.each(["HS256", "HS384", "HS512"])("is accepted with %s", async (alg) => {
    expect(await verify(await signed(claimsOf(), SECRET, alg))).toEqual({
      actor: "user:ada@example.com",
      scope: "read",
    });
  });

  it.each<[name: string, scope: unknown, held: string | null]>([
    ["words", "openid operate profile", "operate"],
    ["a list", ["read", "admin", 7], "admin"],
    ["capitals", "ADMIN", null],
    ["a part of a word", "sluice:admin administrator", null],
    ["an object", { admin: true }, null],
    ["nothing", undefined, null],
  ])("holds the scope that %s name", async (_name, scope, held) => {
    expect((await verify(await signed(claimsOf({ scope })))).scope).toBe(held);
  });

  const now = Math.floor(Date.now() / 1000);
  it.each<[name: string, claims: Record<string, unknown>, reason: string]>([
    ["is over", { exp: now - 60 }, "exp"],
    ["has no end", { exp: undefined }, "exp"],
    ["ends at a text", { exp: "tomorrow" }, "exp"],
    ["is not valid yet", { nbf: now + 600 }, "nbf"],
    ["is of another issuer", { iss: "https://evil.example.com" }, "iss"],
    ["has no issuer", { iss: undefined }, "iss"],
    ["is for another application", { aud: "payroll" }, "aud"],
    ["is for nobody", { aud: undefined }, "aud"],
    ["has no subject", { sub: undefined }, "sub"],
    ["has an empty subject", { sub: "" }, "sub"],
    ["has a subject that forges a line", { sub: "ada\nuser:root" }, "sub"],
    ["has a subject that turns text around", { sub: "ada\u202eadmin" }, "sub"],
    ["has an endless subject", { sub: "a".repeat(201) }, "sub"],
  ])("is refused when it %s", async (_name, claims, reason) => {
    expect(await refusalOf(verify, await signed(claimsOf(claims)))).toEqual(refused(reason));
  });

  it("is accepted a few seconds after its end, since clocks differ", async () => {
    expect((await verify(await signed(claimsOf({ exp: now - 2 })))).actor).toBe("user:ada@example.com");
  });

  it("is refused when somebody else signed it, or nobody", async () => {
    expect(await refusalOf(verify, await signed(claimsOf(), "x".repeat(40)))).toEqual(refused("signature"));
    expect(await refusalOf(verify, new UnsecuredJWT(claimsOf()).encode())).toEqual(refused(""));
    const [, payload = ""] = (await signed(claimsOf())).split(".");
    for (const alg of ["none", "None", "NONE", "HS1", ""]) {
      const header = Buffer.from(JSON.stringify({ alg })).toString("base64url");
      expect(await refusalOf(verify, `${header}.${payload}.`), alg).toEqual(refused(""));
    }
  });

  it("is refused when its body was changed", async () => {
    const [header, , signature] = (await signed(claimsOf())).split(".");
    const forged = Buffer.from(JSON.stringify(claimsOf({ scope: "admin" }))).toString("base64url");
    expect(await refusalOf(verify, `${header}.${forged}.${signature}`)).toEqual(refused("signature"));
  });

  it.each(["", ".", "..", "a.b.c", "a.b.c.d.e", "null", "{}", "ey.ey.ey", "\u00e9.\u00e9.\u00e9"])(
    "is refused when it is no token at all: %j",
    async (text) => {
      expect(await refusalOf(verify, text)).toEqual(refused(""));
    },
  );

  it("is refused in words that do not show it", async () => {
    const token = await signed(claimsOf({ aud: "canary-audience", exp: 1 }), "y".repeat(40));
    const [, message] = await refusalOf(verify, token);
    for (const part of [...token.split("."), "canary"]) expect(message).not.toContain(part);
  });

  it("need not name issuer and audience where none are configured", async () => {
    const lenient = createTokenVerifier({ issuer: undefined, audience: undefined, trust: { secret: SECRET } });
    const token = await signed(claimsOf({ iss: undefined, aud: undefined }));
    expect((await lenient(token)).actor).toBe("user:ada@example.com");
  });
});

describe("a token signed with a key of the issuer", () => {
  let issuer: TokenIssuer;
  let verify: VerifyToken;
  beforeAll(async () => {
    issuer = await startTokenIssuer("RS256");
    verify = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: issuer.jwksUrl } });
  });
  afterAll(() => issuer.close());

  it("is accepted, and its keys are fetched once", async () => {
    for (const sub of ["a", "b", "c"]) {
      expect((await verify(await issuer.sign(claimsOf({ sub })))).actor).toBe(`user:${sub}`);
    }
    expect(issuer.fetches).toBe(1);
  });

  it("is refused when the public key was used as a secret", async () => {
    const publicKey = await importJWK(issuer.publicJwk, "RS256");
    if (publicKey instanceof Uint8Array) throw new Error("a public key was expected");
    const pem = await exportSPKI(publicKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(issuer.publicJwk), issuer.publicJwk.n ?? ""]) {
      expect(await refusalOf(verify, await signed(claimsOf({ scope: "admin" }), secret))).toEqual(refused("alg"));
    }
  });

  it("is refused when it brings its own key, or says where that is", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const jwk = { kty: "RSA", n: "AQAB", e: "AQAB" };
    for (const header of [{ jwk }, { jku: "http://127.0.0.1:1/jwks" }, { x5u: "http://127.0.0.1:1/cert" }]) {
      const token = await new SignJWT(claimsOf())
        .setProtectedHeader({ alg: "RS256", kid: issuer.publicJwk.kid ?? "", ...header })
        .sign(privateKey);
      expect(await refusalOf(verify, token)).toEqual(refused("signature"));
    }
  });

  it("is refused under the name of a key that nobody has, and that floods nobody", async () => {
    const before = issuer.fetches;
    for (const kid of ["../../etc/passwd", "k1' or '1'='1", "", "k999"]) {
      expect(await refusalOf(verify, await issuer.sign(claimsOf(), { kid }))).toEqual(refused("key"));
    }
    expect(issuer.fetches).toBe(before);
  });

  it("is refused when it asks for an extension that must be understood", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const token = await new SignJWT(claimsOf())
      .setProtectedHeader({ alg: "RS256", kid: "k1", crit: ["b64"], b64: true })
      .sign(privateKey);
    expect((await refusalOf(verify, token))[0]).toBe("unauthenticated");
  });
});

describe("an issuer", () => {
  it("whose keys cannot be had is 503, not 401, and is asked again", async () => {
    const issuer = await startTokenIssuer();
    const verify = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: issuer.jwksUrl } });
    const token = await issuer.sign(claimsOf());
    const unavailable = ["identity_provider_unavailable", expect.stringContaining("Try again")];
    issuer.status = 500;
    expect(await refusalOf(verify, token)).toEqual(unavailable);
    issuer.status = null;
    const began = Date.now();
    expect(await refusalOf(verify, token)).toEqual(unavailable);
    expect(Date.now() - began).toBeLessThan(4_500);
    issuer.status = 200;
    expect((await verify(token)).actor).toBe("user:ada@example.com");
    await issuer.close();
    const fresh = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: issuer.jwksUrl } });
    expect(await refusalOf(fresh, token)).toEqual(unavailable);
    expect((await verify(token)).actor).toBe("user:ada@example.com");
  });
});
