import type { HostPatterns } from "./addresses.ts";
import type { HttpRequest } from "./request.ts";

/**
 * Where a request goes: `url` absolute, or joined to the path of `baseUrl`; `baseUrl` itself where it is empty.
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
  const folder = new URL(base.pathname.endsWith("/") ? base : `${base.origin}${base.pathname}/`);
  // Below the base's path, and never a scheme: `/orders:export`. What begins with two slashes names a host.
  const joined = /^\/(?![\\/])/.test(url) ? `.${url}` : url;
  if (!URL.canParse(joined, folder.href)) throw refuse("its address is no URL");
  const target = url === "" ? base : new URL(joined, folder);
  if (target.origin !== base.origin && !allowedHosts.matchesName(target.hostname)) {
    throw refuse(`${target.host || target.protocol} is neither baseUrl's host nor one of allowedHosts`);
  }
  target.hash = "";
  for (const [name] of query) target.searchParams.delete(name);
  for (const [name, value] of query) target.searchParams.append(name, value);
  return target;
}
