import { TerminalError } from "../core/errors.ts";
import type { ExpiredChain } from "../db/retention.ts";
import { readSync } from "../db/syncs.ts";
import type { ActivityDeps } from "./deps.ts";
import { openDestination } from "./run-context.ts";

/** For the retention: the ledger of the sync's destination forgets its old chains. A destination whose connection is deleted is out of reach for good. */
export async function forgetChains(deps: ActivityDeps, syncId: string, chains: ExpiredChain[]): Promise<void> {
  try {
    const destination = await openDestination(deps, await readSync(deps.db, syncId));
    await destination.ensureLedger();
    const idsOf = (holdsCursor: boolean) =>
      chains.filter((chain) => chain.holdsCursor === holdsCursor).map((chain) => chain.rootRunId);
    await destination.forgetChains({ rootRunIds: idsOf(false), keepFences: idsOf(true) });
  } catch (error) {
    if (!(error instanceof TerminalError && error.reasonCode === "connection_unusable")) throw error;
    deps.log.warn({ syncId }, "the destination's connection is deleted: its ledger keeps what it knows of the sync");
  }
}
