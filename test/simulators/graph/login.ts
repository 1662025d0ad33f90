import { constants, createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import type { VendorAnswer, VendorRequest, VendorTools } from "../vendor.ts";
import { guidOf } from "./errors.ts";
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from "./tenant.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** RFC 7515 names, and how `node:crypto` is told. */
const ALGORITHMS: Record<string, { padding: number; saltLength?: number }> = {
  PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  RS256: { padding: constants.RSA_PKCS1_PADDING },
};
const MOST_MINUTES_OF_ASSERTION = 10;
/** Where it would be: what a client signs is made for this address, by whatever way it comes. */
const ENTRA = "https://login.microsoftonline.com";

/**
 * The token endpoint of the identity platform: the client credentials grant, with a secret or a certificate.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and certificate-credentials
 */
export function answerLogin(
  { method, path, body }: VendorRequest,
  tools: VendorTools,
  { certificate, seenAssertions }: { certificate: string | null; seenAssertions: Set<string> },
): VendorAnswer {
  const [, tenant = ""] = path.split("/");
  const form = (body ?? {}) as Record<string, string>;
  if (method !== "POST") return failed(400, "invalid_request", 900_561, "The endpoint only accepts POST requests.");
  if (tenant.toLowerCase() !== TENANT_ID)
    return failed(400, "invalid_request", 90_002, `Tenant '${tenant}' not found.`);
  if (form.grant_type !== "client_credentials")
    return failed(400, "unsupported_grant_type", 70_003, "The app requested an unsupported grant type.");
  if (form.client_id !== CLIENT_ID)
    return failed(
      400,
      "unauthorized_client",
      700_016,
      `Application with identifier '${form.client_id}' was not found.`,
    );
  if (!form.scope?.endsWith("/.default"))
    return failed(400, "invalid_scope", 1_002_012, `The provided value for scope ${form.scope} is not valid.`);
  const wrong =
    form.client_assertion === undefined
      ? wrongSecret(form.client_secret)
      : wrongAssertion(form, `${ENTRA}${path}`, { certificate, seenAssertions });
  if (wrong !== null) return wrong;
  return {
    status: 200,
    headers: { "cache-control": "no-store" },
    body: { token_type: "Bearer", expires_in: 3_599, ext_expires_in: 3_599, access_token: tools.tokens.issue() },
  };
}

function wrongSecret(secret: string | undefined): VendorAnswer | null {
  if (secret === undefined)
    return failed(
      401,
      "invalid_client",
      7_000_218,
      "The request body must contain 'client_assertion' or 'client_secret'.",
    );
  return secret === CLIENT_SECRET ? null : failed(401, "invalid_client", 7_000_215, "Invalid client secret provided.");
}

function wrongAssertion(
  { client_assertion: assertion = "", client_assertion_type: type }: Record<string, string>,
  tokenUrl: string,
  { certificate, seenAssertions }: { certificate: string | null; seenAssertions: Set<string> },
): VendorAnswer | null {
  const no = (code: number, message: string) => failed(401, "invalid_client", code, message);
  if (type !== ASSERTION_TYPE) return failed(400, "invalid_request", 50_027, "client_assertion_type is not valid.");
  if (certificate === null) return no(700_027, "The certificate is not registered on the application.");
  const [head = "", claims = "", signature = ""] = assertion.split(".");
  const header = decoded(head);
  const given = decoded(claims);
  const { raw } = new X509Certificate(certificate);
  const thumbprints = { "x5t#S256": hashOf("sha256", raw), x5t: hashOf("sha1", raw) };
  const isNamed = header["x5t#S256"] === thumbprints["x5t#S256"] || header.x5t === thumbprints.x5t;
  if (!isNamed)
    return no(700_027, "The certificate with identifier used to sign the client assertion is not registered.");
  const algorithm = ALGORITHMS[String(header.alg)];
  const key = { key: createPublicKey(certificate), ...algorithm };
  const isSigned =
    algorithm !== undefined &&
    verify("sha256", Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"));
  if (!isSigned) return no(700_027, "Client assertion failed signature validation.");
  if (given.aud !== tokenUrl)
    return no(700_023, `Client assertion audience claim does not match: ${String(given.aud)}.`);
  if (given.iss !== CLIENT_ID || given.sub !== CLIENT_ID) return no(700_021, "Client assertion issuer does not match.");
  // An assertion is made by the client's clock, which is that of this machine and not the simulator's.
  const seconds = Date.now() / 1_000;
  const exp = Number(given.exp);
  if (!(exp > seconds) || exp > seconds + MOST_MINUTES_OF_ASSERTION * 60 + 60)
    return no(700_024, "Client assertion is not within its valid time range.");
  if (given.nbf !== undefined && Number(given.nbf) > seconds + 60)
    return no(700_024, "Client assertion is not within its valid time range.");
  const jti = String(given.jti);
  if (given.jti === undefined || seenAssertions.has(jti))
    return no(50_013, "Assertion failed: jti is missing or was used.");
  seenAssertions.add(jti);
  return null;
}

function failed(status: number, error: string, code: number, message: string): VendorAnswer {
  const trace = guidOf(message);
  const text = `AADSTS${code}: ${message} Trace ID: ${trace} Correlation ID: ${trace} Timestamp: 2026-01-10 12:00:00Z`;
  return {
    status,
    body: {
      ...{ error, error_description: text, error_codes: [code], timestamp: "2026-01-10 12:00:00Z", trace_id: trace },
      ...{ correlation_id: trace, error_uri: `https://login.microsoftonline.com/error?code=${code}` },
    },
  };
}

function decoded(part: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(Buffer.from(part, "base64url").toString()));
  } catch {
    // Not a token: nothing in it is right.
    return {};
  }
}

function hashOf(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest("base64url");
}
