import { z } from "zod";
import { holdsNoPassword, httpUrl } from "../../lib/config-fields.ts";
import { ASSERTION_ALGORITHMS } from "../../lib/http/auth/assertion-algorithms.ts";
import { headerName, jsonPath, parameterName, secretName } from "./primitives.ts";

const sendIn = z
  .enum(["header", "body"])
  .default("header")
  .describe("Where the client's id and secret go: a Basic Authorization header, or the form.");
const scopes = z.array(z.string().min(1).max(500)).max(100).optional();
const clientId = z.string().min(1).max(500);
const name = z.string().min(1).max(500);
const baseUrlPath = jsonPath
  .optional()
  .describe(
    "Where the answer has the address of the API, such as `instance_url`: relative paths lead there. Its host has to be baseUrl's or one of allowedHosts.",
  );
/** By which the client shows who it is, in place of a secret; or which is itself the grant. */
const signingKey = {
  algorithm: z.enum(ASSERTION_ALGORITHMS),
  privateKeySecret: secretName.describe("Name of the secret with the private key: PEM, without a passphrase."),
  keyId: name.optional().describe("How the source calls the key or certificate (`kid`)."),
};

/** Whatever ends in `Secret` or `Secrets` names entries of the connection's `secrets`. */
export const authSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("none") }),
  z.strictObject({ type: z.literal("bearer"), tokenSecret: secretName }),
  z.strictObject({
    type: z.literal("basic"),
    username: z.string().max(500).default(""),
    usernameSecret: secretName.optional(),
    passwordSecret: secretName.optional(),
  }),
  z.strictObject({
    type: z.literal("api_key"),
    in: z.enum(["header", "query"]).default("header"),
    name: z.string().min(1).max(100).describe("Of the header or query parameter."),
    keySecret: secretName,
  }),
  z.strictObject({
    type: z.literal("headers"),
    headerSecrets: z.record(headerName, secretName).describe("Header name to the name of the secret with its value."),
  }),
  z.strictObject({
    type: z.literal("oauth2_client_credentials"),
    tokenUrl: httpUrl,
    clientId,
    clientSecretSecret: secretName,
    scopes,
    audience: name.optional(),
    sendIn,
    baseUrlPath,
  }),
  z.strictObject({
    type: z.literal("oauth2_client_assertion"),
    tokenUrl: httpUrl,
    clientId,
    ...signingKey,
    assertionAudience: name.optional().describe("Absent: tokenUrl."),
    scopes,
    scopeSeparator: z.enum([" ", ","]).default(" "),
    audience: name.optional(),
    baseUrlPath,
  }),
  z.strictObject({
    type: z.literal("oauth2_jwt_bearer"),
    tokenUrl: httpUrl,
    issuer: name.describe("The client id, or the address of the service account."),
    subject: name.optional().describe("The user for whom the token is. Absent: the issuer."),
    assertionAudience: name.optional().describe("Absent: tokenUrl."),
    ...signingKey,
    scopes: scopes.describe("Stand in the assertion."),
    baseUrlPath,
  }),
  z.strictObject({
    type: z.literal("oauth1"),
    consumerKey: name,
    consumerSecretSecret: secretName,
    tokenIdSecret: secretName.describe("Name of the secret with the token's id."),
    tokenSecretSecret: secretName.describe("Name of the secret with the token's secret."),
    realm: name.optional().describe("The account, where the source wants it."),
  }),
  z.strictObject({
    type: z.literal("oauth2_refresh"),
    tokenUrl: httpUrl,
    clientId,
    clientSecretSecret: secretName.optional(),
    refreshTokenSecret: secretName.describe("Name of the secret with the refresh token. A rotated one replaces it."),
    scopes,
    sendIn,
    baseUrlPath,
  }),
  z.strictObject({
    type: z.literal("session_login"),
    url: z
      .string()
      .min(1)
      .max(2000)
      .refine(holdsNoPassword, "Must hold no user and no password")
      .describe("Absolute, or relative to baseUrl; asked by POST."),
    json: z.record(parameterName, z.string().max(2000)).default({}).describe("What is sent besides the secrets."),
    bodySecrets: z.record(parameterName, secretName).describe("Field of the body to the name of the secret in it."),
    tokenPath: jsonPath,
    header: headerName.default("Authorization"),
    prefix: z.string().max(50).default("Bearer "),
    lifetimeSeconds: z.int().min(1).max(31_536_000).optional().describe("Absent: a session lasts until it is refused."),
    baseUrlPath,
  }),
]);
export type AuthConfig = z.output<typeof authSchema>;

/** The secrets that an `auth` refers to, by name, and what for. */
export function secretsOfAuth(auth: AuthConfig): Record<string, string> {
  const used: Record<string, string> = {};
  for (const [key, value] of Object.entries(auth)) {
    if (/Secrets?$/.test(key) && value !== undefined) {
      for (const name of typeof value === "string" ? [value] : Object.values(value)) {
        if (typeof name === "string") used[name] = `auth.${key}`;
      }
    }
  }
  return used;
}
