import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import type { AppEnv } from "./deps.ts";

/** Against pages that make somebody's browser call us with what it brings along by itself. */

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Of a write, or of a read that starts work. Browsers say where it comes from; what says nothing is no browser, or a very old one.
 * @param options.unsaid let those through that say nothing: where nobody's cookie is at stake
 * @throws AppError origin_refused
 */
export function refuseForeignOrigin(
  c: Context<AppEnv>,
  allowedOrigins: readonly string[],
  options: { unsaid: boolean },
): void {
  if (hasEffect(c)) refuseForeignPage(c, allowedOrigins, options);
}

/** Whatever the request does. For a read that turns out to start work. @throws AppError origin_refused */
export function refuseForeignPage(
  c: Context<AppEnv>,
  allowedOrigins: readonly string[],
  options: { unsaid: boolean },
): void {
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  if (origin === undefined) {
    if (site === undefined ? options.unsaid : site === "same-origin") return;
  } else if (allowedOrigins.includes(origin) || hostOf(origin) === new URL(c.req.url).host) return;
  const page = origin === undefined ? "a page that does not say its origin" : "this origin";
  throw new AppError(
    "origin_refused",
    `A request that changes something or starts work, from ${page}, is refused. Use an API key, or have the origin added to SLUICE_ALLOWED_ORIGINS.`,
  );
}

/** Whatever its method: `?refresh=true` makes a worker ask the source. */
function hasEffect(c: Context<AppEnv>): boolean {
  const isRead = c.req.method === "GET" || c.req.method === "HEAD";
  return !isRead || (c.req.queries("refresh") ?? []).some((given) => given !== "false");
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
