import { randomBytes, randomUUID } from "node:crypto";
import { pino } from "pino";
import { createActivityNotes } from "../../activities/activity-notes.ts";
import type { ActivityDeps } from "../../activities/deps.ts";
import { fenceRun } from "../../activities/fence.ts";
import { createFinishRun } from "../../activities/finish-run.ts";
import { createProgress } from "../../activities/progress.ts";
import { createRenewals } from "../../activities/renewals.ts";
import { createReconciler } from "../../control/reconcile.ts";
import type { Deadlines } from "../../control/stuck-workflow.ts";
import { createKeyring } from "../../db/secrets.ts";
import { createDestinations } from "../../destinations/open-destinations.ts";
import { findProvider } from "../../providers/index.ts";
import type { World } from "./world.ts";

/** The reconciler of a process that has no worker, pass by pass, with deadlines of the test's own. */
export async function withReconciler<T>(
  world: World,
  deadlines: Deadlines,
  work: (pass: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const log = pino({ level: "silent" });
  const { db, namespace, temporal: client } = world;
  const egress = { allowPrivate: [], allowOnly: null };
  const destinations = createDestinations({ egress });
  const progress = createProgress({ db, executorId: "test", log });
  const notes = createActivityNotes({ db, worker: { id: randomUUID(), executorId: "test" }, log });
  const deps: ActivityDeps = {
    db,
    keyring: createKeyring(`k1:${randomBytes(32).toString("base64")}`),
    log,
    progress,
    notes,
    renewals: createRenewals(),
    findProvider,
    openDestination: destinations.open,
    warehouseUrl: world.warehouseUrl,
    egress,
    isControlDatabase: async () => false,
    namespace,
    temporalUiUrl: null,
    searchAttributes: true,
  };
  const pass = createReconciler({
    ...{ db, client, namespace, temporalUiUrl: null, log, deadlines },
    finishRun: createFinishRun(deps),
    fenceRun: (runId) => fenceRun(deps, runId),
  });
  try {
    return await work(pass);
  } finally {
    await progress.close();
    await notes.close();
    await destinations.close();
  }
}
