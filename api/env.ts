import { z } from "zod";
import { count, readEnv } from "../control/env.ts";
import { ACCESS_ENV, readAccess } from "./access-env.ts";

const API_ENV = {
  HOST: z.string().default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  SLUICE_RATE_LIMIT_PER_MINUTE: count(0, 1_000_000).default(6_000),
  ...ACCESS_ENV,
};

/** @throws Error that names every variable that is missing or wrong, and no value */
export function readApiEnv(variables: NodeJS.ProcessEnv) {
  const { env, temporal } = readEnv(API_ENV, variables);
  const access = { ...readAccess(env), requestsPerMinute: env.SLUICE_RATE_LIMIT_PER_MINUTE };
  return { env, temporal, access };
}
