import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import type { AppEnv } from "./deps.ts";

/** Against pages that make somebody's browser call us with what it brings along by itself. */

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Of a write. Browsers say where it comes from; what says nothing is no browser, or a very old one.
 * @param options.unsaid let those through that say nothing: where nobody's cookie is at stake
 * @throws AppError origin_refused
 */
export function refuseForeignOrigin(
  c: Context<AppEnv>,
  allowedOrigins: readonly string[],
  options: { unsaid: boolean },
): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  if (origin === undefined) {
    if (site === undefined ? options.unsaid : site === "same-origin") return;
  } else if (allowedOrigins.includes(origin) || hostOf(origin) === new URL(c.req.url).host) return;
  throw new AppError(
    "origin_refused",
    `A write from ${origin === undefined ? "a page that does not say its origin" : "this origin"} is refused. Use an API key, or have the origin added to SLUICE_ALLOWED_ORIGINS.`,
  );
}

/** A name that a stranger has pointed to this machine is not ours. @throws AppError host_refused */
export function refuseForeignHost(c: Context<AppEnv>): void {
  if (isLoopback(new URL(c.req.url).hostname)) return;
  throw new AppError(
    "host_refused",
    "Without authentication only localhost is served. Call http://localhost or http://127.0.0.1.",
  );
}

/** The scheme is not compared: behind a proxy that ends TLS we see another one than the browser. */
function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host ?? null;
}
