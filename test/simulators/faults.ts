import type { Dice } from "../support/random.ts";
import type { DataFault } from "./store.ts";
import type { VendorAnswer } from "./vendor.ts";

export const NETWORK_FAULTS = ["throttle", "throttle_silently", "server_error", "cut_body"] as const;
export const CREDENTIAL_FAULTS = ["expire_token", "expire_page_tokens"] as const;
export const DATA_FAULTS = ["late_update", "move_row", "delete_row"] as const satisfies DataFault[];

export type FaultKind =
  | (typeof NETWORK_FAULTS)[number]
  | (typeof CREDENTIAL_FAULTS)[number]
  | DataFault
  /** A field of its records is gone from now on. */
  | { dropField: string }
  /** The credentials lose a permission. */
  | { revoke: string }
  | { grant: string }
  /** One request gets this answer; with `to`, only where it goes there. */
  | { answer: VendorAnswer; to?: "api" | "files" }
  /** A command of the vendor's own. */
  | { command: string; args?: unknown }
  /** A change feed forgets what came before now. */
  | "expire_cursors";

/** A fault, and before which request to the vendor it happens: 0 for the next one. */
export interface Fault {
  beforeRequest: number;
  kind: FaultKind;
}

/** Some faults of the kinds, spread over so many requests. The same dice give the same script. */
export function drawScript(
  dice: Dice,
  { kinds, faults, requests }: { kinds: readonly FaultKind[]; faults: number; requests: number },
): Fault[] {
  return Array.from({ length: faults }, () => ({ beforeRequest: dice.roll(requests), kind: dice.pick(kinds) }));
}
