import type { Logger } from "pino";
import type { IsControlDatabase } from "../core/database-identity.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { ProviderKey } from "../core/vocabulary.ts";
import type { Db } from "../db/client.ts";
import type { Keyring } from "../db/secrets.ts";
import type { ComparingDestination } from "../destinations/compare/comparison.ts";
import type { Place } from "../destinations/open-destinations.ts";
import type { EgressPolicy } from "../egress/policy.ts";
import type { Provider } from "../providers/provider.ts";
import type { ActivityNotes } from "./activity-notes.ts";
import type { Progress } from "./progress.ts";
import type { Renewals } from "./renewals.ts";

/** What activities need of their process; made once in worker.ts. */
export interface ActivityDeps {
  db: Db;
  keyring: Keyring;
  log: Logger;
  progress: Progress;
  notes: ActivityNotes;
  renewals: Renewals;
  /** Null where this worker has no connector for it. */
  findProvider(key: ProviderKey): Provider | null;
  /** The default warehouse by its URL, and others by how to log in there; opened once per process. */
  openDestination(place: Place): ComparingDestination;
  warehouseUrl: string;
  egress: EgressPolicy;
  isControlDatabase: IsControlDatabase;
  namespace: string;
  /** Base of the Temporal Web UI; null where there is none. */
  temporalUiUrl: string | null;
  /** The namespace knows `SEARCH_ATTRIBUTES`. */
  searchAttributes: boolean;
  failpoint?: Failpoint | undefined;
}
