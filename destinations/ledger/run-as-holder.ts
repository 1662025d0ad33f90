import { setTimeout as sleep } from "node:timers/promises";
import type { SliceRequest } from "../destination.ts";
import { isConnectionLoss, toDestinationError } from "../errors.ts";
import { SupersededError } from "../load/writer-errors.ts";
import { abortable, type Session, type SessionSettings, withSession } from "../session.ts";
import type { SliceClaim } from "./claim.ts";

/** From the end of the old holder's session to the new claim's commit. */
const CLAIMED_WITHIN_MS = 300;

/** @returns what runs work as the slice's holder and turns what it throws into what the contract says */
export function createRunAsHolder(
  settings: SessionSettings,
  session: Session,
  request: SliceRequest,
  claim: SliceClaim,
): <T>(doing: string, work: () => Promise<T>) => Promise<T> {
  const { target, signal, sliceNo } = request;
  return async (doing, work) => {
    try {
      return await abortable(settings, session, signal, work);
    } catch (error) {
      if (signal.aborted) await session.close();
      else if (isConnectionLoss(error) && (await isTakenOver(settings, request, claim))) {
        throw new SupersededError(`Slice ${sliceNo} was taken over.`, { cause: error });
      }
      throw toDestinationError(error, `${doing} ${target.schema}.${target.table}`);
    }
  };
}

/**
 * Whoever takes a slice over ends our session first and claims right after: then its loss is no failure of the
 * destination. Looked up for a moment only; a server that went down does not answer at all.
 */
async function isTakenOver(settings: SessionSettings, request: SliceRequest, claim: SliceClaim): Promise<boolean> {
  try {
    return await withSession(settings, async ({ client }) => {
      for (const deadline = Date.now() + CLAIMED_WITHIN_MS; Date.now() < deadline; await sleep(50)) {
        const { rowCount } = await client.query(
          `select from _sluice.slices s join _sluice.chains c using (root_run_id)
           where s.plan_id = $1 and s.slice_no = $2 and s.fence = $3 and c.min_attempt <= $4`,
          [request.planId, request.sliceNo, claim.fence, request.chain.attempt],
        );
        if (rowCount === 0) return true;
      }
      return false;
    });
  } catch {
    // Then the loss is all that is known.
    return false;
  }
}
