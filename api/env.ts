import { z } from "zod";
import { readEnv } from "../control/env.ts";

const API_ENV = {
  HOST: z.string().default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
};

/** @throws Error that names every variable that is missing or wrong, and no value */
export function readApiEnv(variables: NodeJS.ProcessEnv) {
  return readEnv(API_ENV, variables);
}
