import type { VirtualClock } from "../store.ts";
import type { VendorAnswer, VendorTools } from "../vendor.ts";
import type { ShopSettings } from "./settings.ts";

/** A custom app's token, which does not expire. */
export const SHOP_TOKEN = "shpat_simulated";
export const SHOP_APP = { clientId: "simulated-app", clientSecret: "shpss_simulated" };
/** What the first authorization gave. */
export const FIRST_REFRESH_TOKEN = "shprt_first";

export interface AccessDesk {
  isGood(token: string | undefined, tools: VendorTools): boolean;
  /** The token endpoint, `POST /admin/oauth/access_token`. */
  answer(body: unknown, tools: VendorTools): VendorAnswer;
  /** The merchant takes the app away: no token of it is good. */
  uninstall(): void;
}

interface Issued {
  expiresAt: number;
  /** The refresh token that was used for it, which stays good until the access token is first used. */
  replaces: string | null;
}

/**
 * https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens: access tokens of an hour, refresh tokens
 * that change with each use, where the one before stays good until the new access token is first used (since 2026-08-28).
 */
export function createAccessDesk(clock: VirtualClock, settings: ShopSettings): AccessDesk {
  const issued = new Map<string, Issued>();
  const refreshes = new Set([FIRST_REFRESH_TOKEN]);
  let isInstalled = true;
  let number = 0;

  return {
    isGood(token, tools) {
      if (token === undefined || !isInstalled) return false;
      if (token === SHOP_TOKEN) return true;
      const own = issued.get(token);
      if (own === undefined || !tools.tokens.isGood(token) || clock.now() >= own.expiresAt) return false;
      if (own.replaces !== null) refreshes.delete(own.replaces);
      return true;
    },
    answer(body, tools) {
      const given = Object(body) as Record<string, string | undefined>;
      if (given.client_id !== SHOP_APP.clientId || given.client_secret !== SHOP_APP.clientSecret)
        return refusal(400, "application_cannot_be_found", "The client id or the client secret is wrong.");
      const isRefresh = given.grant_type === "refresh_token";
      const used = given.refresh_token ?? "";
      if (isRefresh && (!isInstalled || !refreshes.has(used)))
        return refusal(401, "invalid_request", "This request requires an active refresh_token");
      if (!isRefresh && given.grant_type !== "client_credentials" && given.code === undefined)
        return refusal(400, "unsupported_grant_type", "The grant type is not supported.");
      const token = tools.tokens.issue();
      const lasts = given.grant_type === "client_credentials" ? 86_399 : settings.accessTokenSeconds;
      issued.set(token, { expiresAt: clock.now() + lasts * 1_000, replaces: isRefresh ? used : null });
      const answer = { access_token: token, scope: settings.scopes.join(","), expires_in: lasts };
      if (given.grant_type === "client_credentials") return { status: 200, body: answer };
      number += 1;
      const next = `shprt_${number}`;
      refreshes.add(next);
      return { status: 200, body: { ...answer, refresh_token: next, refresh_token_expires_in: 7_776_000 } };
    },
    uninstall() {
      isInstalled = false;
    },
  };
}

function refusal(status: number, error: string, description: string): VendorAnswer {
  return { status, body: { error, error_description: description } };
}
