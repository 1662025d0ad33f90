import type { Client } from "@temporalio/client";
import type { Logger } from "pino";

/** A Temporal that was made anew gives its namespace another id: for so long the old one is believed. */
const BELIEVED_MS = 60_000;
const PATIENCE_MS = 2_000;

/**
 * Reads the id that Temporal gave to the namespace, on which jitter depends (`jitterSeed`), and keeps it for a minute. The
 * function never throws: null where Temporal does not say.
 */
export function createNamespaceIdReader(deps: {
  client: Client;
  namespace: string;
  log: Logger;
}): () => Promise<string | null> {
  const { client, namespace, log } = deps;
  let known: { id: string; at: number } | null = null;
  return async () => {
    if (known !== null && Date.now() - known.at < BELIEVED_MS) return known.id;
    try {
      const { namespaceInfo } = await client.withDeadline(Date.now() + PATIENCE_MS, () =>
        client.workflowService.describeNamespace({ namespace }),
      );
      const id = namespaceInfo?.id;
      if (!id) throw new Error("Temporal has answered no id");
      known = { id, at: Date.now() };
      return id;
    } catch (error) {
      log.warn({ err: error, namespace }, "the namespace's id could not be read; times are told without jitter");
      return null;
    }
  };
}
