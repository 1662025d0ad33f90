import type { IsControlDatabase } from "../core/database-identity.ts";
import { type DatabaseLogin, tlsOptionsOf } from "../core/database-login.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { createDial } from "../egress/dial.ts";
import type { EgressPolicy } from "../egress/policy.ts";
import type { ComparingDestination } from "./compare/comparison.ts";
import { createPostgresDestination, type PostgresDestinationOptions } from "./postgres.ts";

/**
 * A text is the connection string of the operator's own warehouse, which goes wherever it says. Whoever makes a connection gives its parts, and
 * is kept to where the deployment lets connectors go.
 */
export type Place = string | DatabaseLogin;

export interface DestinationsOptions {
  egress: EgressPolicy;
  isControlDatabase?: IsControlDatabase | undefined;
  failpoint?: Failpoint | undefined;
}

/** The warehouses of a process, one destination a place and login, opened at first use. */
export function createDestinations({ egress, isControlDatabase, failpoint }: DestinationsOptions): {
  open(place: Place): ComparingDestination;
  close(): Promise<void>;
} {
  const dial = createDial({ policy: egress, reach: "private" });
  const opened = new Map<string, ComparingDestination>();

  function comeTo(place: Place): Pick<PostgresDestinationOptions, "url" | "connection" | "connect"> {
    if (typeof place === "string") return { url: place };
    const { host, port, database, user, password } = place;
    return {
      // As text, an empty password would be looked for in the worker's own environment and files.
      connection: { host, port, database, user, password: () => password, ssl: tlsOptionsOf(place) },
      connect: (timeoutMs) => dial({ host, port }, { timeoutMs }),
    };
  }

  return {
    open(place) {
      const key = typeof place === "string" ? place : JSON.stringify(place);
      const known = opened.get(key);
      if (known) return known;
      const destination = createPostgresDestination({ ...comeTo(place), isControlDatabase, failpoint });
      opened.set(key, destination);
      return destination;
    },
    async close() {
      await Promise.all([...opened.values()].map((destination) => destination.close()));
      opened.clear();
    },
  };
}
