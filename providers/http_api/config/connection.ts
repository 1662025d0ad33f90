import { z } from "zod";
import { httpUrl } from "../../lib/config-fields.ts";
import { authSchema, secretsOfAuth } from "./auth.ts";
import { checkResources } from "./cross-checks.ts";
import { paginatorSchema } from "./paginator.ts";
import { allowedHost, plainHeaders } from "./primitives.ts";
import { resourceSchema } from "./resource.ts";

const rateLimit = z.strictObject({
  perSecond: z.number().positive().max(10_000),
  burst: z.int().min(1).max(10_000).default(1),
  concurrency: z.int().min(1).max(100).default(4).describe("Requests in flight at once, for each slice."),
});

export const connectionSchema = z
  .strictObject({
    baseUrl: httpUrl.describe(
      "What the paths of resources are relative to. Its query (`?api-version=7`) goes with every request.",
    ),
    headers: plainHeaders.default({}).describe("Sent with every request; nothing secret."),
    auth: authSchema.default({ type: "none" }),
    timeoutMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(30_000)
      .describe("For an answer to begin, and for each next byte."),
    maxBodyBytes: z
      .int()
      .min(1024)
      .max(256 * 1024 * 1024)
      .default(32 * 1024 * 1024),
    rateLimit: rateLimit.optional().describe("What the API allows; kept by all workers together."),
    retry: z
      .strictObject({
        maxAttempts: z.int().min(1).max(10).default(4),
        statuses: z.array(z.int().min(100).max(599)).max(50).default([]),
      })
      .optional()
      .describe("Statuses that are tried again besides 408, 425, 429 and 5xx."),
    paginator: paginatorSchema
      .optional()
      .describe(
        "For resources that name none. Absent: one page, and an answer that says that there are more is refused.",
      ),
    allowedHosts: z
      .array(allowedHost)
      .max(50)
      .default([])
      .describe("Hosts, `*.suffix`, addresses or ranges that links to further pages may point to besides baseUrl's."),
    tlsRootCert: z
      .string()
      .min(1)
      .optional()
      .describe("PEM text of the authority that signed the server's certificate."),
    checkPath: z.string().min(1).max(2000).optional().describe("What a check asks for; absent: the first resource."),
    resources: z.array(resourceSchema).min(1).max(200),
  })
  .superRefine(checkResources);
export type ConnectionConfig = z.output<typeof connectionSchema>;

export function secretsOf({ auth }: ConnectionConfig): Record<string, { description: string; required: boolean }> {
  const used = Object.entries(secretsOfAuth(auth));
  return Object.fromEntries(used.map(([name, by]) => [name, { description: `Used by ${by}.`, required: true }]));
}

/** Host, base path and parameters: two versions of one API may stand side by side in a warehouse. */
export function sourceInstanceKey({ baseUrl }: ConnectionConfig): string {
  const { host, pathname, search } = new URL(baseUrl);
  return `${host}${pathname.replace(/\/+$/, "")}${search}`;
}
