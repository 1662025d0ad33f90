import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./deps.ts";

/** Who asks. Until keys and tokens are configured there is one answer, which is why the server stays on loopback. */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  c.set("actor", "user:local");
  await next();
});

/** How a caller may say who it is; the first one present decides. */
export const SECURITY_SCHEMES = {
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
  cookie: { type: "apiKey", in: "cookie", name: "vai_token" },
} as const;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

/** @throws Error when anybody on the network could use an API that asks nobody who they are */
export function refuseOpenNetwork(host: string): void {
  if (LOOPBACK.test(host)) return;
  throw new Error(
    `HOST is ${host}, but no authentication is configured: anybody who reaches this address could read and run every sync. Set HOST=127.0.0.1, and put a proxy that authenticates in front of it to serve others.`,
  );
}
