import type { Scope } from "./scopes.ts";

/** Who may use the API, and how much: what the environment configures. */
export interface Access {
  keys: readonly ApiKey[];
  /** Null: tokens are not accepted. */
  verifyToken: VerifyToken | null;
  /** Of pages on other hosts that may call with a cookie, and read answers: `https://console.example.com`. */
  allowedOrigins: readonly string[];
  /** Of one actor; 0: as many as it likes. */
  requestsPerMinute: number;
}

export interface Identity {
  /** `key:<name>` or `user:<sub>`. */
  actor: string;
  /** Empty: known, and allowed nothing. */
  scopes: readonly Scope[];
  /** When what the caller has shown is over; null: never. */
  expiresAt: Date | null;
}

export interface ApiKey {
  name: string;
  scope: Scope;
  /** SHA-256 of the key; the key itself is kept nowhere. */
  hash: Buffer;
}

/** Everything is allowed to everybody who gets through. */
export const OPEN_ACCESS: Access = { keys: [], verifyToken: null, allowedOrigins: [], requestsPerMinute: 0 };

/** @throws AppError unauthenticated; identity_provider_unavailable when the keys to check with cannot be had */
export type VerifyToken = (token: string) => Promise<Identity>;

/** Nobody is asked who they are: for one's own machine only. */
export function isOpen(access: Access): boolean {
  return access.keys.length === 0 && access.verifyToken === null;
}

/** Fit to be recorded and shown: no control, invisible or unassigned characters, at most 200. */
export function isActorName(name: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u.test(name);
}
