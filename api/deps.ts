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

/** What a request carries from middleware to handler. */
export interface AppEnv {
  Variables: {
    requestId: string;
    /** Who asks: `key:<name>`, `user:<sub>`. Recorded with every write. */
    actor: string;
  };
}
