import type { ChainPosition } from "../destination.ts";
import type { Session } from "../session.ts";

/** Whoever ends an attempt raises its chain's fence above it, and the fence stays. */
export async function findUnknownEnds({ client }: Session, ended: ChainPosition[]): Promise<ChainPosition[]> {
  const { rows } = await client.query<ChainPosition>(
    `select distinct root_run_id as "rootRunId", attempt
     from unnest($1::uuid[], $2::integer[]) as ended (root_run_id, attempt)
     where not exists (
       select from _sluice.chains c where c.root_run_id = ended.root_run_id and c.min_attempt > ended.attempt
     )`,
    [ended.map(({ rootRunId }) => rootRunId), ended.map(({ attempt }) => attempt)],
  );
  return rows;
}

/** What the ledger keeps of chains that nobody goes on with: slices and targets; the fence too, unless it still tells a cursor's place. */
export async function forgetChains(
  { client }: Session,
  chains: { rootRunIds: string[]; keepFences: string[] },
): Promise<void> {
  const all = [[...chains.rootRunIds, ...chains.keepFences]];
  await client.query(
    `delete from _sluice.appended where (plan_id, slice_no) in
       (select plan_id, slice_no from _sluice.slices where root_run_id = any($1))`,
    all,
  );
  await client.query("delete from _sluice.slices where root_run_id = any($1)", all);
  await client.query("delete from _sluice.targets where root_run_id = any($1)", all);
  await client.query("delete from _sluice.chains where root_run_id = any($1)", [chains.rootRunIds]);
}
