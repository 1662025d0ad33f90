import type { VendorAnswer, VendorRequest, VendorTools } from "../vendor.ts";
import { graphError } from "./errors.ts";
import type { SiteFacts } from "./tenant.ts";

/** Application permissions that the app has, unless a fault has taken them away. */
export interface Access {
  roles: string[];
  /** Ids of the sites that the app was granted with `Sites.Selected`. */
  grants: Set<string>;
}

/** @returns what is answered to a request without a token that is good; null: it is */
export function refuseToken({ headers }: VendorRequest, { tokens }: VendorTools): VendorAnswer | null {
  const token = headers.authorization?.replace(/^Bearer /i, "");
  if (tokens.isGood(token)) return null;
  const message = token === undefined ? "Access token is empty." : "Lifetime validation failed, the token is expired.";
  const challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"';
  return graphError(401, "InvalidAuthenticationToken", message, { headers: { "www-authenticate": challenge } });
}

/** Sites and lists take a permission for sites; of a drive, one for files will do. */
export function mayRead(site: SiteFacts, what: "site" | "drive", access: Access, tools: VendorTools): boolean {
  const has = (role: string): boolean => access.roles.includes(role) && tools.isAllowed(role);
  if (mayFindSites(access, tools) || (has("Sites.Selected") && access.grants.has(site.id))) return true;
  return what === "drive" && has("Files.Read.All");
}

/** Searching and listing sites of the whole tenant: not with Sites.Selected. */
export function mayFindSites({ roles }: Access, { isAllowed }: VendorTools): boolean {
  return ["Sites.Read.All", "Sites.ReadWrite.All"].some((role) => roles.includes(role) && isAllowed(role));
}
