import { isProviderError } from "../../core/errors.ts";
import type { HttpResponse, Verdict } from "../lib/http/client.ts";
import { isObject, type JsonValue } from "../lib/http/json.ts";
import { retryAfterSeconds } from "../lib/http/retry-after.ts";

/** The permission that errors and checks name: the least one with which the connector works. */
export const PERMISSION = "Sites.Selected";

const GRANT_ACCESS =
  `Give the app the application permission ${PERMISSION} with an administrator's consent, and grant it the role read on this site ` +
  "(POST /sites/{site-id}/permissions, or Grant-PnPAzureADAppSitePermission). Sites.Read.All works without a grant for each site.";
const NO_ROLES: Verdict = {
  ...{ kind: "fail", reasonCode: "source_permission_denied" },
  fix: `The app's token has no permission for SharePoint. Give the app the application permission ${PERMISSION} (not a delegated one), and have an administrator grant consent.`,
};
const LOCKED = "The site or the file is locked at the source. Unlock it, or wait until whoever holds it is done.";

/**
 * Of a change feed: its link is of no use any more, and a reading of everything begins. The `Location` that Graph gives then is that of a feed
 * without a token, which the next plan begins with.
 * https://learn.microsoft.com/graph/api/driveitem-delta
 */
export function judgeFeed(response: HttpResponse): Verdict | null {
  if (response.status === 410 || codesOf(response).some((code) => EXPIRED.test(code)))
    return { kind: "fail", reasonCode: "source_cursor_expired" };
  return judgeObject(response);
}

const EXPIRED = /^(resync|syncState|invalidDeltaToken|deltaTokenInvalid)/i;

/** Of an answer that is to be an object of Graph's: one that holds `error` is none, whatever its status is. */
export function judgeObject(response: HttpResponse): Verdict | null {
  if (response.status >= 300) return judgeGraph(response);
  const codes = codesOf(response);
  if (codes.length === 0) return null;
  const [, verdict] = BY_CODE.find(([pattern]) => codes.some((code) => pattern.test(code))) ?? [];
  return verdict ?? { kind: "fail", reasonCode: "source_rejected_request" };
}

/** https://learn.microsoft.com/graph/errors */
export function judgeGraph(response: HttpResponse): Verdict | null {
  const { status } = response;
  if (status < 400) return null;
  if (codesOf(response).some((code) => THROTTLED.test(code))) return { kind: "throttled" };
  // SharePoint throttles with 503 as well, and says so by Retry-After.
  if (status === 509 || (status === 503 && retryAfterSeconds(response) !== null)) return { kind: "throttled" };
  if (status === 423) return { kind: "retry", fix: LOCKED };
  if (status === 409) return { kind: "retry" };
  if (status === 401) return isWithoutRoles(response) ? NO_ROLES : null;
  if (status === 403 && retryAfterSeconds(response) === null)
    return { kind: "fail", reasonCode: "source_permission_denied", fix: GRANT_ACCESS };
  if (status === 404) return { kind: "fail", reasonCode: "source_resource_not_found", fix: GONE };
  return null;
}

const THROTTLED = /^(activityLimitReached|tooManyRequests|throttledRequest)$/i;
const PASSING =
  /^(serviceNotAvailable|serviceUnavailable|generalException|internalServerError|\w*timeout|locked|resourceLocked)$/i;

const GONE =
  "Check that it still exists at the source and that the connection's site is right. Take the entity out of the sync if it was deleted.";

/** Of one list or site among several: why it is left out while the others are read; null for an error of another kind. */
export function whyLeftOut(error: unknown): string | null {
  if (!isProviderError(error)) return null;
  if (error.reasonCode === "source_permission_denied") return "the app may not read it";
  return isGoneFromSource(error) ? "it does not exist any more" : null;
}

export function isGoneFromSource(error: unknown): boolean {
  return isProviderError(error) && error.reasonCode === "source_resource_not_found";
}

/** Codes that say the same as a status would, where the status is that of an answer. */
const BY_CODE: [pattern: RegExp, verdict: Verdict][] = [
  [THROTTLED, { kind: "throttled" }],
  [PASSING, { kind: "retry" }],
  [/^(InvalidAuthenticationToken|unauthenticated)$/i, { kind: "unauthorized" }],
  [/^accessDenied$/i, { kind: "fail", reasonCode: "source_permission_denied", fix: GRANT_ACCESS }],
  [/^(itemNotFound|ResourceNotFound)$/i, { kind: "fail", reasonCode: "source_resource_not_found", fix: GONE }],
];

/** An error is short; a page of thousands of items is not parsed to look for one. */
const MOST_ERROR_BYTES = 64 * 1024;

/** `error.code` and those of the errors within, which say it more closely. */
function codesOf(response: HttpResponse): string[] {
  const codes: string[] = [];
  let error = errorIn(response);
  for (let depth = 0; isObject(error) && depth < MOST_CODES; depth++) {
    codes.push(typeof error.code === "string" ? error.code : "");
    error = error.innerError ?? error.innererror;
  }
  return codes;
}

/** Nobody nests them deeper. */
const MOST_CODES = 8;

function errorIn(response: HttpResponse): JsonValue | undefined {
  // The page of a proxy is no error of Graph's.
  if (!/\bjson\b/i.test(response.contentType) || response.body.length > MOST_ERROR_BYTES) return undefined;
  try {
    const body = response.json();
    return isObject(body) ? body.error : undefined;
  } catch {
    // What it says by its status counts then.
    return undefined;
  }
}

/** A token that an app has without any permission is refused as if it were no token. */
function isWithoutRoles(response: HttpResponse): boolean {
  const error = errorIn(response);
  return isObject(error) && typeof error.message === "string" && NO_ROLES_SAID.test(error.message);
}

const NO_ROLES_SAID = /\b(roles|scp)\b.*claim|contains no permissions/i;
