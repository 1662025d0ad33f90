import type { Failpoint } from "../core/failpoints.ts";
import type { ComparingDestination } from "./comparison.ts";
import { createPostgresDestination } from "./postgres.ts";

/** The warehouses of a process, one destination a URL, opened at first use. */
export function createDestinations(failpoint?: Failpoint): {
  open(url: string): ComparingDestination;
  close(): Promise<void>;
} {
  const opened = new Map<string, ComparingDestination>();
  return {
    open(url) {
      const known = opened.get(url);
      if (known) return known;
      const destination = createPostgresDestination({ url, failpoint });
      opened.set(url, destination);
      return destination;
    },
    async close() {
      await Promise.all([...opened.values()].map((destination) => destination.close()));
      opened.clear();
    },
  };
}
