import type { Authorization } from "./auth/authenticator.ts";
import type { EgressGuard } from "./egress.ts";
import { isHarmless, mergeHeaders } from "./headers.ts";
import type { Answer, Outgoing, Transport } from "./transport.ts";

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const PERMANENT = new Set([301, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** The way that requests take. */
export interface Route {
  guard: EgressGuard;
  transport: Transport;
  /** Is it a host of the source besides its own, to which credentials may go? */
  isAllowed(url: URL): boolean;
  /** Origins that the source has left for good, with the ones to ask instead. Added to. */
  moved: Map<string, string>;
}

/** A redirect that is not followed. */
export class RedirectError extends Error {
  override readonly name = "RedirectError";
}

/**
 * Follows redirects one by one, each checked by the guard before it is asked. Where one leads to another origin, credentials and
 * all headers of the connection stay behind, for good; a body is never taken there. The same host over TLS is no other origin, and a host that
 * belongs to the source is asked as the first one was: a shop's second domain sends one to its real name.
 * @param options.follow false: the first answer counts, whatever it is
 * @returns the first answer that is no redirect, and its URL without credentials
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.4
 */
export async function followRedirects(
  { guard, transport, isAllowed, moved }: Route,
  first: Outgoing,
  authorization: Authorization,
  { follow = true }: { follow?: boolean | undefined } = {},
): Promise<{ answer: Answer; url: URL }> {
  let outgoing = atNewPlace(first, moved);
  let trusted = true;
  for (let redirects = 0; ; redirects += 1) {
    guard.check(outgoing.url);
    const answer = await transport.exchange(trusted ? await authorized(outgoing, authorization) : outgoing);
    const location = answer.headers.get("location");
    if (!follow || !isRedirect(answer.status) || location === null) return { answer, url: outgoing.url };
    answer.body.letGo?.();
    if (redirects === MAX_REDIRECTS) throw new RedirectError(`was redirected more than ${MAX_REDIRECTS} times`);
    const next = redirected(outgoing, answer.status, location, isAllowed);
    const isOwn = isUpgrade(outgoing.url, next.url) || isOther(outgoing.url, next.url, isAllowed);
    const leaves = next.url.origin !== outgoing.url.origin && !isOwn;
    if (trusted && isOwn && PERMANENT.has(answer.status)) noteMove(moved, outgoing.url, next.url);
    if (leaves && next.body !== null) throw new RedirectError(`was redirected with its body to ${next.url.host}`);
    if (leaves) trusted = false;
    outgoing = leaves ? { ...next, headers: harmlessOnly(next.headers) } : next;
  }
}

/** The same server over TLS, each at its scheme's own port: it is asked as before. */
function isUpgrade(from: URL, to: URL): boolean {
  const isSecured = from.protocol === "http:" && to.protocol === "https:";
  return isSecured && from.hostname === to.hostname && from.port === "" && to.port === "";
}

async function authorized(outgoing: Outgoing, { headers, query, sign }: Authorization): Promise<Outgoing> {
  const url = new URL(outgoing.url);
  for (const [name, value] of query) url.searchParams.set(name, value);
  const signature = sign === undefined ? {} : await sign({ ...outgoing, url });
  return { ...outgoing, url, headers: mergeHeaders(outgoing.headers, headers, signature) };
}

/** Another host of the source, asked no less safely. */
function isOther(from: URL, to: URL, isAllowed: (url: URL) => boolean): boolean {
  return from.origin !== to.origin && isAllowed(to) && (to.protocol === "https:" || from.protocol === "http:");
}

/** The same request at another host: later ones go there at once. */
function noteMove(moved: Map<string, string>, from: URL, to: URL): void {
  const isSame = from.pathname === to.pathname && from.search === to.search;
  if (isSame && from.origin !== to.origin && !moved.has(to.origin)) moved.set(from.origin, to.origin);
}

function atNewPlace(outgoing: Outgoing, moved: ReadonlyMap<string, string>): Outgoing {
  const { pathname, search, origin } = outgoing.url;
  const place = moved.get(origin);
  return place === undefined ? outgoing : { ...outgoing, url: new URL(`${place}${pathname}${search}`) };
}

function redirected(from: Outgoing, status: number, location: string, isAllowed: (url: URL) => boolean): Outgoing {
  if (!URL.canParse(location, from.url.href)) throw new RedirectError("was redirected to what is no URL");
  const url = new URL(location, from.url);
  url.hash = "";
  // A server that wants TLS wants the same request again.
  if (status !== 303 && (isUpgrade(from.url, url) || isOther(from.url, url, isAllowed))) return { ...from, url };
  const asGet =
    (status === 303 && from.method !== "HEAD") || (from.method === "POST" && (status === 301 || status === 302));
  if (!asGet) return { ...from, url };
  const { "content-type": _, ...headers } = from.headers;
  return { ...from, method: "GET", url, headers, body: null };
}

function harmlessOnly(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isHarmless(name)));
}
