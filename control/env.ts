import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { requireNode } from "./node-version.ts";
import { readTemporalOptions, type TemporalOptions } from "./temporal-options.ts";

/** What both processes read from their environment, and how. */

const COMMON = {
  DATABASE_URL: databaseUrl(),
  DATABASE_POOL_SIZE: count(1, 1000).default(10),
  TEMPORAL_UI_URL: z.url().optional(),
  SLUICE_ENCRYPTION_KEYS: z.string().min(1),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
};

/** Temporal's own names. https://docs.temporal.io/references/client-environment-configuration */
const Temporal = z
  .object({
    TEMPORAL_ADDRESS: z.string().regex(/^(\[[^\]]+\]|[^:/\s]+)(:\d{1,5})?$/, "must be host:port"),
    TEMPORAL_NAMESPACE: z.string(),
    TEMPORAL_API_KEY: z.string().regex(/^[\x21-\x7e]+$/, "must be one line of printable characters"),
    TEMPORAL_TLS: z.enum(["true", "false", "1", "0"]),
    TEMPORAL_TLS_SERVER_NAME: z.string(),
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file(parsesAsCertificate, "a certificate in PEM"),
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: z.string().refine(parsesAsCertificate, "must be a certificate in PEM"),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file(parsesAsCertificate, "a certificate in PEM"),
    TEMPORAL_TLS_CLIENT_CERT_DATA: z.string().refine(parsesAsCertificate, "must be a certificate in PEM"),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file(parsesAsKey, "a private key in PEM"),
    TEMPORAL_TLS_CLIENT_KEY_DATA: z.string().refine(parsesAsKey, "must be a private key in PEM"),
  })
  .partial()
  .superRefine((given, context) => {
    const fault = (variable: string, message: string) =>
      context.addIssue({ code: "custom", path: [variable], message });
    for (const part of ["SERVER_CA_CERT", "CLIENT_CERT", "CLIENT_KEY"] as const) {
      const [path, data] = [`TEMPORAL_TLS_${part}_PATH`, `TEMPORAL_TLS_${part}_DATA`] as const;
      if (given[path] !== undefined && given[data] !== undefined) fault(data, `is given as ${path} already`);
    }
    const certificate = given.TEMPORAL_TLS_CLIENT_CERT_PATH ?? given.TEMPORAL_TLS_CLIENT_CERT_DATA;
    const key = given.TEMPORAL_TLS_CLIENT_KEY_PATH ?? given.TEMPORAL_TLS_CLIENT_KEY_DATA;
    if (certificate !== undefined && key === undefined) {
      fault("TEMPORAL_TLS_CLIENT_KEY_PATH", "is missing: a client certificate needs its key");
    }
    if (key !== undefined && certificate === undefined) {
      fault("TEMPORAL_TLS_CLIENT_CERT_PATH", "is missing: a client key needs its certificate");
    }
    const unencrypted = given.TEMPORAL_TLS === "false" || given.TEMPORAL_TLS === "0";
    if (unencrypted && given.TEMPORAL_API_KEY !== undefined) {
      fault("TEMPORAL_TLS", "must not be off where TEMPORAL_API_KEY is set, which would travel unencrypted");
    }
  });

/**
 * The process's own variables with the common ones, and how to reach Temporal. An empty variable is one that is not set.
 * @throws Error that names every variable that is missing or wrong, and no value
 */
export function readEnv<Own extends z.ZodRawShape>(
  own: Own,
  variables: NodeJS.ProcessEnv,
): { env: z.output<z.ZodObject<typeof COMMON & Own>>; temporal: TemporalOptions } {
  requireNode(process.versions.node);
  const given = Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""),
  );
  const env = z.object({ ...COMMON, ...own }).safeParse(given);
  const temporal = Temporal.safeParse(given);
  if (env.success && temporal.success) return { env: env.data, temporal: readTemporalOptions(given) };
  throw incomplete([...(env.error?.issues ?? []), ...(temporal.error?.issues ?? [])]);
}

/** For tools that need the control database alone. @throws Error as `readEnv` */
export function readDatabaseUrl(variables: NodeJS.ProcessEnv): string {
  const parsed = z.object({ DATABASE_URL: COMMON.DATABASE_URL }).safeParse(variables);
  if (parsed.success) return parsed.data.DATABASE_URL;
  throw incomplete(parsed.error.issues);
}

function incomplete(issues: z.core.$ZodIssue[]): Error {
  const faults = issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  return new Error(`The environment is not complete. ${faults.join("; ")}`);
}

/** A whole number, written in digits. */
export function count(min: number, max: number) {
  return z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(z.int().min(min).max(max));
}

/** Where the driver and libpq read an `sslmode` differently, or will, it has to be said in a way that both read the same. */
const AMBIGUOUS_SSL_MODES = ["prefer", "require", "verify-ca"];

/** A connection string of Postgres. */
export function databaseUrl() {
  return z.string().superRefine((text, context) => {
    const fault = (message: string) => context.addIssue({ code: "custom", message });
    if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return fault("must be a postgres:// URL");
    const { searchParams } = new URL(text);
    const mode = searchParams.get("sslmode");
    if (mode !== null && AMBIGUOUS_SSL_MODES.includes(mode) && searchParams.get("uselibpqcompat") !== "true") {
      fault(
        `sslmode=${mode} does not say whether the server's certificate is checked: write sslmode=verify-full, or sslmode=no-verify`,
      );
    }
    for (const name of ["sslrootcert", "sslcert", "sslkey"]) {
      const path = searchParams.get(name);
      if (path !== null && readText(path) === null) fault(`the file that ${name} names cannot be read`);
    }
  });
}

function file(fits: (text: string) => boolean, what: string) {
  return z.string().superRefine((path, context) => {
    const text = readText(path);
    if (text === null) context.addIssue({ code: "custom", message: "the file cannot be read" });
    else if (!fits(text)) context.addIssue({ code: "custom", message: `the file must hold ${what}` });
  });
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function parsesAsCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function parsesAsKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).type === "private";
  } catch {
    return false;
  }
}
