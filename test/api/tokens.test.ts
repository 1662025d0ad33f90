import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportSPKI, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
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
      scopes: ["read"],
      expiresAt: expect.any(Date),
    });
  });

  it.each<[name: string, scope: unknown, held: string[]]>([
    ["words", "openid operate profile", ["operate"]],
    ["a list", ["read", "admin", 7], ["read", "admin"]],
    ["two that do not include each other", "execute read", ["read", "execute"]],
    ["capitals", "ADMIN", []],
    ["a part of a word", "sluice:admin administrator", []],
    ["an object", { admin: true }, []],
    ["nothing", undefined, []],
  ])("holds the scope that %s name", async (_name, scope, held) => {
    expect((await verify(await signed(claimsOf({ scope })))).scopes).toEqual(held);
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
    ["has a number as subject", { sub: 42 }, "sub"],
    ["has a list as subject", { sub: ["ada"] }, "sub"],
    ["has an object as subject", { sub: { name: "ada" } }, "sub"],
    ["has true as subject", { sub: true }, "sub"],
    ["has null as subject", { sub: null }, "sub"],
    ["ends at a number in quotes", { exp: String(now + 300) }, "exp"],
    ["ends in a list", { exp: [now + 300] }, "exp"],
    ["begins at a text", { nbf: "now" }, "nbf"],
    ["was issued at a text", { iat: "now" }, "iat"],
    ["is for others in a list", { aud: ["payroll", "sluice2"] }, "aud"],
    ["is for an object", { aud: { sluice: true } }, "aud"],
    ["has a list as issuer", { iss: ["https://id.example.com"] }, "iss"],
    ["has a subject that forges a line", { sub: "ada\nuser:root" }, "sub"],
    ["has a subject that turns text around", { sub: "ada\u202eadmin" }, "sub"],
    ["has an endless subject", { sub: "a".repeat(201) }, "sub"],
  ])("is refused when it %s", async (_name, claims, reason) => {
    expect(await refusalOf(verify, await signed(claimsOf(claims)))).toEqual(refused(reason));
  });

  it("is accepted for several applications, if one of them is this", async () => {
    expect((await verify(await signed(claimsOf({ aud: ["payroll", "sluice"] })))).actor).toBe("user:ada@example.com");
  });

  it("says until when it holds, however far that is", async () => {
    const ends = async (exp: number) => (await verify(await signed(claimsOf({ exp })))).expiresAt?.getTime();
    expect(await ends(now + 300)).toBe((now + 300) * 1000);
    expect(await ends(Number.MAX_SAFE_INTEGER)).toBe(8.64e15);
    expect(await ends(1e308)).toBe(8.64e15);
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

describe("keys that cannot be used", () => {
  let issuer: TokenIssuer;
  let good: JWK;
  beforeAll(async () => {
    issuer = await startTokenIssuer("RS256");
    good = issuer.publicJwk;
  });
  afterAll(() => issuer.close());

  /** As somebody does who does not ask how long a key is. */
  function signedWeakly(): { token: string; jwk: JWK } {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const parts = [{ alg: "RS256", kid: "weak" }, claimsOf({ scope: "admin" })];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(text), privateKey).toString("base64url");
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "weak", alg: "RS256", use: "sig" } as JWK;
    return { token: `${text}.${signature}`, jwk };
  }

  it.each<[name: string, served: (jwk: JWK) => unknown]>([
    ["half a key", ({ n, ...rest }) => ({ keys: [rest] })],
    ["a modulus of odd letters", (jwk) => ({ keys: [{ ...jwk, n: "!!!" }] })],
    ["a modulus that is a number", (jwk) => ({ keys: [{ ...jwk, n: 7 }] })],
    ["an exponent of nothing", (jwk) => ({ keys: [{ ...jwk, e: "" }] })],
    ["a key of another kind", (jwk) => ({ keys: [{ ...jwk, kty: "EC", crv: "P-256", x: "AA", y: "AA" }] })],
    ["a curve that nobody knows", (jwk) => ({ keys: [{ ...jwk, kty: "OKP", crv: "X9", x: "AA" }] })],
    ["a secret", (jwk) => ({ keys: [{ kid: jwk.kid, kty: "oct", k: "c2VjcmV0", alg: "RS256" }] })],
    ["a key for encryption", (jwk) => ({ keys: [{ ...jwk, use: "enc" }] })],
    ["the same key twice", (jwk) => ({ keys: [jwk, jwk] })],
    ["keys that are no objects", () => ({ keys: [null, 7, "key", []] })],
    ["no keys", () => ({ keys: [] })],
    ["an object of keys", (jwk) => ({ keys: { k1: jwk } })],
    ["a list", (jwk) => [jwk]],
    ["a text", () => "keys"],
  ])("are 401 or 503 where the issuer serves %s", async (_name, served) => {
    issuer.served = served(good);
    const verify = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: issuer.jwksUrl } });
    const [code] = await refusalOf(verify, await issuer.sign(claimsOf()));
    expect(["unauthenticated", "identity_provider_unavailable"]).toContain(code);
  });

  it("are 503 where a key is too weak, and the other keys work on", async () => {
    const { token, jwk } = signedWeakly();
    issuer.served = { keys: [jwk, good] };
    const verify = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: issuer.jwksUrl } });
    expect(await refusalOf(verify, token)).toEqual([
      "identity_provider_unavailable",
      expect.stringContaining("cannot be used"),
    ]);
    expect((await verify(await issuer.sign(claimsOf()))).actor).toBe("user:ada@example.com");
  });
});

describe("an odd header", () => {
  const verify = createTokenVerifier({ ...ISSUED, trust: { secret: SECRET } });

  it.each<[name: string, header: unknown]>([
    ["nothing", {}],
    ["null", null],
    ["a list", []],
    ["an algorithm that is a number", { alg: 7 }],
    ["an algorithm in a list", { alg: ["HS256"] }],
    ["an algorithm of objects", { alg: { toString: "HS256" } }],
    ["an asymmetric algorithm", { alg: "RS256" }],
    ["an encryption", { alg: "dir", enc: "A256GCM" }],
    ["a part that is not encoded", { alg: "HS256", b64: false, crit: ["b64"] }],
    ["an empty list of extensions", { alg: "HS256", crit: [] }],
    ["extensions that are a text", { alg: "HS256", crit: "exp" }],
    ["an extension that nobody knows", { alg: "HS256", crit: ["exp"], exp: 1 }],
    ["its own prototype", JSON.parse('{"alg":"HS256","__proto__":{"crit":[]},"crit":["__proto__"]}')],
  ])("of %s is 401", async (_name, header) => {
    const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const text = `${encode(header)}.${encode(claimsOf())}`;
    const signature = createHmac("sha256", SECRET).update(text).digest("base64url");
    expect((await refusalOf(verify, `${text}.${signature}`))[0]).toBe("unauthenticated");
  });

  it("is 401 for claims that are no object", async () => {
    const encode = (text: string) => Buffer.from(text).toString("base64url");
    for (const claims of ["null", "[]", "7", '"text"', "{", "", '{"exp":1e999}']) {
      const text = `${encode('{"alg":"HS256"}')}.${encode(claims)}`;
      const signature = createHmac("sha256", SECRET).update(text).digest("base64url");
      expect((await refusalOf(verify, `${text}.${signature}`))[0], claims).toBe("unauthenticated");
    }
  });
});

describe("an issuer", () => {
  it("whose answer does not end is 503, and is not listened to until its time is over", async () => {
    let sent = 0;
    const server = createServer((_request, response) => {
      const piece = Buffer.alloc(256 * 1024, " ");
      const send = (): void => {
        do sent += piece.length;
        while (!response.destroyed && response.write(piece));
      };
      response.on("drain", send);
      send();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const verify = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: new URL(`http://127.0.0.1:${port}/jwks`) } });
    const { privateKey } = await generateKeyPair("ES256");
    const token = await new SignJWT(claimsOf()).setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(privateKey);
    expect((await refusalOf(verify, token))[0]).toBe("identity_provider_unavailable");
    server.closeAllConnections();
    server.close();
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

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
    expect(Date.now() - began).toBeLessThan(20_000);
    issuer.status = 200;
    expect((await verify(token)).actor).toBe("user:ada@example.com");
    await issuer.close();
    const fresh = createTokenVerifier({ ...ISSUED, trust: { jwksUrl: issuer.jwksUrl } });
    expect(await refusalOf(fresh, token)).toEqual(unavailable);
    expect((await verify(token)).actor).toBe("user:ada@example.com");
  });
});
