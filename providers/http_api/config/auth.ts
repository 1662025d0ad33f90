import { z } from "zod";
import { holdsNoPassword, httpUrl } from "../../lib/config-fields.ts";
import { headerName, jsonPath, parameterName, secretName } from "./primitives.ts";

const sendIn = z
  .enum(["header", "body"])
  .default("header")
  .describe("Where the client's id and secret go: a Basic Authorization header, or the form.");
const scopes = z.array(z.string().min(1).max(500)).max(100).optional();

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
    clientId: z.string().min(1).max(500),
    clientSecretSecret: secretName,
    scopes,
    audience: z.string().min(1).max(500).optional(),
    sendIn,
  }),
  z.strictObject({
    type: z.literal("oauth2_refresh"),
    tokenUrl: httpUrl,
    clientId: z.string().min(1).max(500),
    clientSecretSecret: secretName.optional(),
    refreshTokenSecret: secretName.describe("Name of the secret with the refresh token. A rotated one replaces it."),
    scopes,
    sendIn,
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
