import { numberAt } from "../lib/graphql/answer.ts";
import type { GraphqlAnswer, GraphqlError, GraphqlVerdict } from "../lib/graphql/ask.ts";
import type { GraphqlCost } from "../lib/graphql/declaration.ts";
import type { Verdict } from "../lib/http/client.ts";

/**
 * What Shopify means by errors that come with status 200.
 * https://shopify.dev/docs/api/admin-graphql/latest#status_and_error_codes
 */
export function judge(
  answer: GraphqlAnswer,
  { permission }: { permission: string | undefined },
): GraphqlVerdict | null {
  const { errors } = answer;
  const has = (code: string): boolean => errors.some((error) => error.code === code);
  if (errors.length === 0) return null;
  if (has("THROTTLED") || errors.some(isThrottled)) return { kind: "throttled", afterSeconds: secondsUntil(answer) };
  const tooCostly = errors.find(({ code }) => code === "MAX_COST_EXCEEDED");
  if (tooCostly !== undefined) return { kind: "too_costly", times: timesOver(tooCostly) };
  if (has("INTERNAL_SERVER_ERROR") || has("TIMEOUT")) return { kind: "retry" };
  const message = errors.map((error) => error.message).join("; ");
  if (errors.some(isBadToken)) return { kind: "unauthorized" };
  const denied = errors.find(({ code }) => code === "ACCESS_DENIED");
  if (denied !== undefined) {
    return { kind: "fail", reasonCode: "source_permission_denied", message, fix: fixOfDenied(denied, permission) };
  }
  if (has("SHOP_INACTIVE")) return { kind: "fail", reasonCode: "source_permission_denied", message, fix: SHOP_FIX };
  if (PAST_THE_CAP.test(message)) return { kind: "too_many" };
  if (/\bcursor\b/i.test(message)) return { kind: "fail", reasonCode: "source_cursor_invalid", message };
  return null;
}

/**
 * A page past the 25,000th object. The limits page says that there is a limit, and neither with which words nor with which code it is refused, so that
 * any that name it count. https://shopify.dev/docs/api/usage/limits
 */
const PAST_THE_CAP = /\b25[,._]?000\b|\bpaginat\w+\b.{0,60}\blimit|\blimit\w*\b.{0,60}\bpaginat/i;

/** How often the query's cost exceeds what one query may cost; 2 where Shopify does not say. */
function timesOver({ extensions }: GraphqlError): number {
  const [cost, most] = [numberAt(extensions, "cost"), numberAt(extensions, "maxCost")];
  return cost === null || most === null || most === 0 || cost <= most ? 2 : cost / most;
}

const SHOP_FIX = "Open the shop's admin: its subscription has to be paid, and the shop must not be paused or closed.";

/** https://shopify.dev/docs/api/admin-graphql/latest#status_and_error_codes */
export const STATUSES: Record<number, Verdict> = {
  402: { kind: "fail", reasonCode: "source_permission_denied", message: "the shop is frozen", fix: SHOP_FIX },
  403: {
    kind: "fail",
    reasonCode: "source_permission_denied",
    message: "the shop refuses this app",
    fix: "Check that the app is installed in the shop and that its allow-list of addresses has those of the workers.",
  },
  404: {
    kind: "fail",
    reasonCode: "source_resource_not_found",
    message: "there is no such shop, or no such API version",
    fix: "Check `shop` and `apiVersion` of the connection.",
  },
  423: { kind: "fail", reasonCode: "source_permission_denied", message: "the shop is locked", fix: SHOP_FIX },
  430: { kind: "throttled", afterSeconds: 60 },
};

/** Some gateways leave the code out. */
function isThrottled({ code, message }: GraphqlError): boolean {
  return code === null && /^throttled\b/i.test(message);
}

function isBadToken({ message }: GraphqlError): boolean {
  return /invalid api key or access token/i.test(message);
}

function fixOfDenied({ path, extensions }: GraphqlError, permission: string | undefined): string {
  const { requiredAccess } = extensions;
  const scopes = typeof requiredAccess === "string" ? requiredAccess : permission;
  const give =
    scopes === undefined
      ? "Give the app the access that Shopify names."
      : `Give the app the access scope ${scopes.replace(/`| access scopes?\b|\.$/g, "")}, and install it in the shop again.`;
  const steps = path?.split(".") ?? [];
  // The first step is the resource itself.
  const field = steps.length < 2 ? undefined : steps.at(-1);
  const leave =
    field === undefined
      ? ""
      : ` If '${field}' is protected customer data, ask for approval, or leave its column out (sourceConfig.resources).`;
  return `${give}${leave}`;
}

/** A bucket that gives nothing back would say to wait for ever. */
const SLOWEST_RESTORE = 1;

/** https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits */
function secondsUntil({ extensions }: GraphqlAnswer): number {
  const requested = numberAt(extensions, "cost", "requestedQueryCost") ?? 50;
  const available = numberAt(extensions, "cost", "throttleStatus", "currentlyAvailable") ?? 0;
  const rate = numberAt(extensions, "cost", "throttleStatus", "restoreRate") ?? COST.perSecond;
  return Math.max(0.1, (requested - available) / Math.max(SLOWEST_RESTORE, rate));
}

/** The smallest plan's limit; an answer says what the shop's is. https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits */
export const COST: GraphqlCost = {
  bucket: "points",
  perSecond: 100,
  burst: 1_000,
  firstGuess: 50,
  requested: ({ extensions }) => numberAt(extensions, "cost", "requestedQueryCost"),
  settle({ extensions }) {
    const at = (...names: string[]) => numberAt(extensions, "cost", ...names);
    const said = {
      cost: at("actualQueryCost"),
      remaining: at("throttleStatus", "currentlyAvailable"),
      perSecond: at("throttleStatus", "restoreRate"),
      burst: at("throttleStatus", "maximumAvailable"),
    };
    const there = Object.entries(said).filter((entry): entry is [string, number] => entry[1] !== null);
    return there.length === 0 ? null : Object.fromEntries(there);
  },
};
