import type { Context } from "hono";
import type { Logger } from "pino";
import type { ControlPort } from "../control/port.ts";
import type { ProviderKey } from "../core/vocabulary.ts";
import type { Db } from "../db/client.ts";
import type { Keyring } from "../db/secrets.ts";
import type { Provider } from "../providers/provider.ts";

export interface ApiDeps {
  db: Db;
  keyring: Keyring;
  control: ControlPort;
  log: Logger;
  /** Null for a provider without a connector. */
  findProvider(key: ProviderKey): Provider | null;
}

/** Who asks, and in which request: recorded with every write. */
export interface Caller {
  /** `key:<name>` or `user:<sub>`. */
  actor: string;
  requestId: string;
}

/** What a request carries from middleware to handler. */
export interface AppEnv {
  Variables: Caller;
}

export function callerOf(c: Context<AppEnv>): Caller {
  return { actor: c.get("actor"), requestId: c.get("requestId") };
}
