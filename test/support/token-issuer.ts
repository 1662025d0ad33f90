import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

/** An identity provider: signs tokens, and serves the public keys to check them with. */
export interface TokenIssuer {
  jwksUrl: URL;
  /** How often its keys were asked for. */
  fetches: number;
  /** What it answers now; null: nothing, until the connection is given up. */
  status: number | null;
  publicJwk: JWK;
  /** What it serves; null: a set of `publicJwk`. */
  served: unknown;
  /** @param header over `{ alg, kid }` */
  sign(claims: JWTPayload, header?: { kid?: string }): Promise<string>;
  close(): Promise<void>;
}

export async function startTokenIssuer(alg = "ES256"): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg, use: "sig" };
  const server = createServer((_request, response) => {
    issuer.fetches += 1;
    if (issuer.status === null) return;
    response.writeHead(issuer.status, { "content-type": "application/json" });
    response.end(issuer.served === null ? JSON.stringify({ keys: [jwk] }) : JSON.stringify(issuer.served));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const issuer: TokenIssuer = {
    jwksUrl: new URL(`http://127.0.0.1:${port}/jwks`),
    fetches: 0,
    status: 200,
    publicJwk: jwk,
    served: null,
    sign: (claims, header) => new SignJWT(claims).setProtectedHeader({ alg, kid: jwk.kid, ...header }).sign(privateKey),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return issuer;
}

/** Claims of a token that is in order; `undefined` takes one out. */
export function claimsOf(given: Record<string, unknown> = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: "https://id.example.com",
    aud: "sluice",
    sub: "ada@example.com",
    scope: "openid read",
    iat: now,
    exp: now + 300,
    ...given,
  };
}
