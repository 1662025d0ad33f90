import { z } from "zod";
import { SSL_MODES } from "../../core/database-login.ts";
import { HOST_FAULT, HOST_PATTERN, isHost } from "../../egress/host.ts";
import { columnChoicesSchema } from "../lib/column-choice.ts";

/** `sslMode` means what it means to libpq; `prefer` and `allow` are left out, since they fall back to plain text in silence. */
export const connectionSchema = z.strictObject({
  host: z
    .string()
    .max(255)
    .regex(HOST_PATTERN, { error: HOST_FAULT, abort: true })
    .refine(isHost, HOST_FAULT)
    .describe("Host name or address of the server."),
  port: z.int().min(1).max(65535).default(5432),
  database: z.string().min(1).max(63),
  user: z.string().min(1).max(63),
  sslMode: z
    .enum(SSL_MODES)
    .default("require")
    .describe("`require` encrypts; `verify-ca` also checks the certificate, `verify-full` its host name as well."),
  sslRootCert: z
    .string()
    .min(1)
    .optional()
    .describe("PEM text of the certificate authority, for a server whose certificate no public authority signed."),
  schemas: z
    .array(z.string().min(1).max(63))
    .min(1)
    .optional()
    .describe("Only these schemas are offered; absent: all but the system's."),
  connectTimeoutSeconds: z.int().min(1).max(120).default(10),
  statementTimeoutSeconds: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "Longest that one statement may take. 0: no limit but the run's; a statement that waits for a lock, or that no longer runs, is found all the same.",
    ),
});
export type ConnectionConfig = z.output<typeof connectionSchema>;

/** Entities, keys and cursors are named in the sync's bindings. */
export const sourceConfigSchema = z.strictObject({
  resources: columnChoicesSchema,
});
export type SourceConfig = z.output<typeof sourceConfigSchema>;

export const secrets = { password: { description: "Password of the user.", required: true } };
