import { isOfEntity, TerminalError } from "../../core/errors.ts";
import type { Relation } from "./catalog.ts";
import { LOCK_TIMEOUT } from "./connection.ts";
import { planScan } from "./estimate.ts";
import { findObstacle } from "./obstacles.ts";
import type { Session } from "./session.ts";
import type { SessionPool } from "./session-pool.ts";

export interface Probed {
  /** Null where nobody knows. */
  estimatedRows: number | null;
  /** Why it can never be read as it is; null: nothing that is known now. */
  failure: TerminalError | null;
}

/** Somebody may hold a lock: the answer is not worth a longer wait. */
const LOCK_PATIENCE = "500ms";

/**
 * Has the server plan a scan of each relation, which fails where reading it would: for a policy that refers to its own table, a view
 * whose owner may not read what it shows, a lost file. What fails is that relation's affair; the others are told all the same.
 * @throws ProviderError where the server as a whole does not answer
 */
export async function probeRelations(sessions: SessionPool, relations: Relation[]): Promise<Map<Relation, Probed>> {
  const probed = new Map<Relation, Probed>();
  await sessions.inLanes(relations, async (session, left) => {
    await setLockTimeout(session, LOCK_PATIENCE);
    for (const relation of left) probed.set(relation, await probe(session, relation));
    await setLockTimeout(session, LOCK_TIMEOUT);
  });
  return probed;
}

async function probe(session: Session, relation: Relation): Promise<Probed> {
  const { estimatedRows } = relation;
  const obstacle = findObstacle(relation);
  if (obstacle !== null) return { estimatedRows, failure: obstacle };
  try {
    const guessed = await planScan(session, relation);
    return { estimatedRows: estimatedRows ?? guessed, failure: null };
  } catch (error) {
    if (!isOfEntity(error)) throw error;
    return { estimatedRows, failure: error instanceof TerminalError ? error : null };
  }
}

async function setLockTimeout(session: Session, timeout: string): Promise<void> {
  await session.query("discovery", "select set_config('lock_timeout', $1, false)", [timeout]);
}
