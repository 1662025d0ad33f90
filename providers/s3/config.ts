import { z } from "zod";
import { httpUrl } from "../lib/config-fields.ts";
import type { SecretDeclaration } from "../provider.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and the older names that some servers still take. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;
const REGION = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ROLE_ARN = /^arn:[a-z0-9-]+:iam::\d{1,20}:role\/[\w+=,.@/-]{1,576}$/;

const accessKeyId = z
  .string()
  .regex(/^[\w.-]{1,128}$/)
  .describe("Id of the access key. The key itself is the secret `secretAccessKey`.");

const authSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("keys").describe("An access key of a user of its own."), accessKeyId }),
  z.strictObject({
    type: z.literal("assume_role").describe("An access key that may do nothing but assume a role, which reads."),
    accessKeyId,
    roleArn: z.string().regex(ROLE_ARN).describe("ARN of the role: `arn:aws:iam::<account>:role/<name>`."),
    externalId: z
      .string()
      .regex(/^[\w+=,.@:/-]{2,1224}$/)
      .optional()
      .describe("External id that the role's trust policy asks for."),
    stsEndpoint: httpUrl
      .optional()
      .describe("Address of the token service. Absent: that of AWS in `region`, or `endpoint` where that is given."),
  }),
  z.strictObject({ type: z.literal("anonymous").describe("No credentials; the bucket is open to everybody.") }),
]);

export const connectionSchema = z.strictObject({
  bucket: z.string().regex(BUCKET).describe("Name of the bucket. For an access point: its alias."),
  region: z.string().regex(REGION).default("us-east-1").describe("Region of the bucket."),
  endpoint: httpUrl
    .optional()
    .describe("Address of another server that speaks S3, without the bucket. Absent: that of AWS in `region`."),
  forcePathStyle: z
    .boolean()
    .default(false)
    .describe(
      "Put the bucket into the path (`https://host/bucket/key`), as most servers other than AWS need it. False: into the host name.",
    ),
  auth: authSchema.describe("Who reads. The worker's own identity in its cloud is never used."),
  prefix: z
    .string()
    .max(1024)
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "Must be text without NUL characters")
    .default("")
    .describe("Only objects whose key begins with this exist for the connection. Globs still name the whole key."),
  requesterPays: z
    .boolean()
    .default(false)
    .describe("Agree to pay for requests and transfer, for a bucket that asks for it."),
  includeVersions: z
    .boolean()
    .default(false)
    .describe(
      "Read all versions of each object, each as a file of its own, where the bucket keeps them. False: the current one.",
    ),
  isUnordered: z
    .boolean()
    .default(false)
    .describe(
      "The server does not list keys in the order of their bytes: a directory bucket, or a server that is no AWS. The whole listing is then held in memory.",
    ),
  verifyChecksums: z
    .boolean()
    .default(true)
    .describe("Compute the checksum that S3 keeps with an object while it is read, and compare the two at its end."),
  tlsRootCert: z
    .string()
    .min(1)
    .optional()
    .describe("PEM text of the authority that signed the server's certificate, where that is no public one."),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(600)
    .default(30)
    .describe("Longest wait for an answer to begin, and for each next byte of it."),
});
export type ConnectionConfig = z.output<typeof connectionSchema>;

const SECRET_ACCESS_KEY = "Secret of the access key that auth.accessKeyId names.";

/** Of all types of auth; which of them a connection needs says `secretsOf`. */
export const secrets: Record<string, SecretDeclaration> = {
  secretAccessKey: { description: SECRET_ACCESS_KEY, required: false },
  sessionToken: { description: "Session token, where the access key is a temporary one.", required: false },
};

export function secretsOf({ auth }: ConnectionConfig): Record<string, SecretDeclaration> {
  if (auth.type === "anonymous") return {};
  return { secretAccessKey: { description: SECRET_ACCESS_KEY, required: true } };
}

/** Where requests go. The bucket comes in front of the host name or into the path. */
export function endpointOf({ endpoint, region }: Pick<ConnectionConfig, "endpoint" | "region">): string {
  return endpoint ?? `https://s3.${region}.${amazonDomain(region)}`;
}

export function stsEndpointOf(config: ConnectionConfig): string {
  const own = config.auth.type === "assume_role" ? config.auth.stsEndpoint : undefined;
  return own ?? config.endpoint ?? `https://sts.${config.region}.${amazonDomain(config.region)}`;
}

function amazonDomain(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** AWS has one name space of buckets; another server has its own. */
export function sourceInstanceKey({ endpoint, bucket }: ConnectionConfig): string {
  return endpoint === undefined ? bucket : `${new URL(endpoint).host}/${bucket}`;
}

/** All that decides where the secrets go, as whom, and how they are kept from others. */
export function addressOf(config: ConnectionConfig): Record<string, unknown> {
  const { bucket, region, forcePathStyle, auth, tlsRootCert = null } = config;
  return {
    ...{ endpoint: endpointOf(config), bucket, region, forcePathStyle, auth, tlsRootCert },
    ...(auth.type === "assume_role" ? { stsEndpoint: stsEndpointOf(config) } : {}),
  };
}
