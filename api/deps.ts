import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Logger } from "pino";
import type { ControlPort } from "../control/port.ts";
import type { ProviderKey } from "../core/vocabulary.ts";
import type { Db } from "../db/client.ts";
import type { Keyring } from "../db/secrets.ts";
import type { Provider } from "../providers/provider.ts";
import type { Access } from "./access.ts";
import type { Scope } from "./scopes.ts";

export interface ApiDeps {
  db: Db;
  keyring: Keyring;
  control: ControlPort;
  log: Logger;
  access: Access;
  /** Null for a provider without a connector. */
  findProvider(key: ProviderKey): Provider | null;
  /** What Prometheus is told; absent: nothing is served at `/metrics`. */
  metrics?: () => Promise<string>;
  /** Aborts when the process is to stop: answers that would go on for ever end then. */
  stopping?: AbortSignal;
}

/** Who asks, and in which request: recorded with every write. */
export interface Caller {
  /** `key:<name>` or `user:<sub>`. */
  actor: string;
  requestId: string;
}

/** What a request carries from middleware to handler. */
export interface AppEnv {
  /** None for calls within the process. */
  Bindings: Partial<HttpBindings>;
  Variables: Caller & {
    /** Empty: known, and allowed nothing. */
    scopes: readonly Scope[];
    /** When what the caller has shown is over; null: never. */
    expiresAt: Date | null;
    /** A browser brings along by itself what lets the caller in, whatever page makes it call: so the page counts too. */
    isAmbient: boolean;
    /** Of what the request creates. The same again when it is repeated with its `Idempotency-Key`. */
    newId: string;
  };
}

export function callerOf(c: Context<AppEnv>): Caller {
  return { actor: c.get("actor"), requestId: c.get("requestId") };
}
