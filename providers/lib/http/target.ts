import type { HostPatterns } from "../../../egress/addresses.ts";
import type { HttpRequest } from "./request.ts";

/**
 * Where a request goes: `url` absolute, or joined to the path of `baseUrl`; `baseUrl` itself where it is empty. Parameters of
 * `baseUrl` go with each request to its host, unless the URL or `query` has them.
 * @param allowedHosts may be asked besides `baseUrl`'s origin
 * @param refuse makes the error for an address that may not be asked
 */
export function resolveTarget(
  { url, query = [] }: Pick<HttpRequest, "url" | "query">,
  baseUrl: string,
  allowedHosts: HostPatterns,
  refuse: (why: string) => Error,
): URL {
  if (!URL.canParse(baseUrl)) throw refuse("baseUrl is no URL");
  const base = new URL(baseUrl);
  const folder = new URL(`${base.origin}${base.pathname.replace(/\/?$/, "/")}`);
  // Below the base's path, and never a scheme: `/orders:export`. What begins with two slashes names a host.
  const joined = /^\/(?![\\/])/.test(url) ? `.${url}` : url;
  if (!URL.canParse(joined, folder.href)) throw refuse("its address is no URL");
  const named = url === "" ? new URL(base) : new URL(joined, folder);
  const isOwn = isSameServer(named, base);
  if (!isOwn && !isAllowed(named.hostname, allowedHosts)) {
    const server = named.host === "" ? named.protocol : named.origin;
    throw refuse(`${server} is neither baseUrl's server (${base.origin}) nor one of allowedHosts`);
  }
  const target = isOwn ? new URL(`${base.origin}${named.pathname}${named.search}`) : named;
  target.hash = "";
  const inherited = isOwn ? [...base.searchParams].filter(([name]) => !target.searchParams.has(name)) : [];
  for (const [name, value] of inherited) target.searchParams.append(name, value);
  for (const [name] of query) target.searchParams.delete(name);
  for (const [name, value] of query) target.searchParams.append(name, value);
  return target;
}

/** Is `url` on the server of `baseUrl`, or on one of `allowedHosts`? */
export function isOwnOrAllowed(url: string, baseUrl: string, allowedHosts: HostPatterns): boolean {
  if (!URL.canParse(url)) return false;
  const named = new URL(url);
  return isSameServer(named, new URL(baseUrl)) || isAllowed(named.hostname, allowedHosts);
}

/** By its name, or as the address that the URL has in place of one. */
function isAllowed(hostName: string, allowedHosts: HostPatterns): boolean {
  const host = hostName.replace(/^\[|\]$/g, "");
  return allowedHosts.matchesName(host) || allowedHosts.matchesAddress(host);
}

/**
 * A source behind a proxy may write its links with the other scheme, or the other scheme's port: they are followed with the
 * scheme and port of the base.
 */
function isSameServer(named: URL, base: URL): boolean {
  if (named.origin === base.origin) return true;
  if (!/^https?:$/.test(named.protocol) || named.hostname !== base.hostname) return false;
  const bothUsual = named.port === "" && base.port === "";
  return bothUsual || portOf(named) === portOf(base);
}

function portOf({ port, protocol }: URL): string {
  return port === "" ? (protocol === "https:" ? "443" : "80") : port;
}
