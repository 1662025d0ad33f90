import { createHmac, randomBytes } from "node:crypto";
import type { Authenticator, Authorization, SignedRequest } from "./authenticator.ts";

export interface OAuth1 {
  consumerKey: string;
  consumerSecret: string;
  token: string;
  tokenSecret: string;
  /** Of the account, such as NetSuite's; absent: none is sent. */
  realm?: string | undefined;
}

/** What makes two signatures of one request differ. */
export interface Stamp {
  nonce: string;
  /** Seconds since 1970. */
  timestamp: number;
}

/**
 * Every request is signed by HMAC-SHA256; nothing is renewed.
 * @see https://www.rfc-editor.org/rfc/rfc5849#section-3
 */
export function oauth1Auth(credentials: OAuth1): Authenticator {
  const authorization: Authorization = {
    headers: {},
    query: [],
    sign: async (request) => ({ authorization: signRequest(credentials, request, freshStamp()) }),
  };
  return {
    async authorize({ hide }) {
      for (const secret of [credentials.consumerSecret, credentials.token, credentials.tokenSecret]) hide(secret);
      return authorization;
    },
    renew: async () => null,
  };
}

function freshStamp(): Stamp {
  return { nonce: randomBytes(16).toString("hex"), timestamp: Math.floor(Date.now() / 1000) };
}

/** @returns the Authorization header */
export function signRequest(credentials: OAuth1, request: SignedRequest, { nonce, timestamp }: Stamp): string {
  const protocol: [string, string][] = [
    ["oauth_consumer_key", credentials.consumerKey],
    ["oauth_token", credentials.token],
    ["oauth_signature_method", "HMAC-SHA256"],
    ["oauth_timestamp", String(timestamp)],
    ["oauth_nonce", nonce],
    ["oauth_version", "1.0"],
  ];
  const key = `${encode(credentials.consumerSecret)}&${encode(credentials.tokenSecret)}`;
  const signature = createHmac("sha256", key).update(baseString(request, protocol)).digest("base64");
  const realm = credentials.realm === undefined ? [] : [`realm="${quoted(credentials.realm)}"`];
  const signed = [...protocol, ["oauth_signature", signature] as const];
  return `OAuth ${[...realm, ...signed.map(([name, value]) => `${name}="${encode(value)}"`)].join(", ")}`;
}

/** https://www.rfc-editor.org/rfc/rfc5849#section-3.4.1 */
export function baseString({ method, url, headers, body }: SignedRequest, protocol: [string, string][]): string {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers["content-type"] ?? "");
  const form = isForm && body !== null ? [...new URLSearchParams(body.toString())] : [];
  const parameters = [...url.searchParams, ...form, ...protocol]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`);
  // A URL leaves out the port that is its scheme's own, and writes scheme and host in lower case.
  const address = `${url.protocol}//${url.host}${url.pathname}`;
  return [method.toUpperCase(), address, parameters.join("&")].map(encode).join("&");
}

/** By their bytes; what is encoded is ASCII. */
function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** https://www.rfc-editor.org/rfc/rfc5849#section-3.6 */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A realm is no parameter: it is quoted, and not encoded. */
function quoted(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}
