import pg from "pg";
import type { FinishRequest } from "../destination.ts";
import { findOwner, recordOwner } from "../ledger/ledger.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteTable, type TableName } from "../sql.ts";
import { findAttachRequirements, findIdentityEnds } from "../tables/attach-requirements.ts";
import { buildKey } from "../tables/late-key.ts";
import { alterTable, readShape } from "../tables/table-shape.ts";
import { type Finisher, NOTHING_WRITTEN } from "./finisher.ts";
import { analyzeBeside, goneMeanwhile, reconcile } from "./reconcile.ts";

/** The snapshot that was loaded beside becomes part of the table: readers see all of it or nothing, and wait for nobody. */
export const attachSnapshot: Finisher<"snapshot"> = {
  async prepare(session, request) {
    await reconcile(session, request);
    await buildKey(session, request);
    await analyzeBeside(session, request);
  },
  /** Beside the snapshot before; nothing of that goes. */
  async describeEffect(session, { target }) {
    const owner = await findOwner(session, target);
    if (owner === null || owner.leafTable === "") return null;
    const before = { schema: LEDGER_SCHEMA, table: owner.leafTable };
    if ((await readShape(session, before)) === null) return null;
    const snapshot = { schema: target.leafSchema, table: target.leafTable };
    return {
      present: `from ${quoteTable(before)}`,
      found: `select count(*) from ${quoteTable(snapshot)}`,
      lost: "select 0",
    };
  },
  async apply(session, request) {
    const { target, planId } = request;
    const snapshot = { schema: target.leafSchema, table: target.leafTable };
    const owner = await findOwner(session, target);
    const shapes = [await readShape(session, target), await readShape(session, snapshot)];
    if (owner === null || shapes.includes(null)) throw goneMeanwhile(target);
    const { columns, rules } = await findAttachRequirements(session, target, snapshot);
    await alterTable(session, snapshot, [...columns, ...rules]);
    await alterTable(session, snapshot, await findIdentityEnds(session, target));
    await dropEarlierOfChain(session, request);
    await alterTable(session, target, [
      `attach partition ${quoteTable(snapshot)} for values in (${pg.escapeLiteral(target.snapshotAt)})`,
    ]);
    await recordOwner(session, target, { ...owner, leafTable: snapshot.table, leafPlanId: planId });
    return NOTHING_WRITTEN;
  },
};

/** A chain makes one snapshot: when its plan had to be made anew, the later one counts. One that was detached is somebody's own. */
async function dropEarlierOfChain(session: Session, { target, chain, planId }: FinishRequest): Promise<void> {
  const { rows } = await session.client.query<TableName>(
    `select $4 as schema, leaf_table as table
     from _sluice.targets earlier
     join pg_inherits on inhrelid = to_regclass(format('%I.%I', $4::text, leaf_table)) and inhparent = to_regclass($5)
     where root_run_id = $1 and plan_id <> $2 and schema_name = $3 and table_name = $6 and finished_at is not null`,
    [chain.rootRunId, planId, target.schema, LEDGER_SCHEMA, quoteTable(target), target.table],
  );
  for (const snapshot of rows) await session.client.query(`drop table ${quoteTable(snapshot)}`);
}
