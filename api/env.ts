import { z } from "zod";

const Env = z.object({
  DATABASE_URL: z.string().min(1),
  TEMPORAL_ADDRESS: z.string().min(1).default("127.0.0.1:7233"),
  TEMPORAL_NAMESPACE: z.string().min(1).default("default"),
  TEMPORAL_UI_URL: z.string().min(1).optional(),
  SLUICE_ENCRYPTION_KEYS: z.string().min(1),
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
});
export type Env = z.output<typeof Env>;

/** @throws Error that names every variable that is missing or wrong, and no value */
export function readEnv(variables: NodeJS.ProcessEnv): Env {
  const parsed = Env.safeParse(variables);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`The environment is not complete. ${faults.join("; ")}`);
}
