import { whileLocked } from "./orders.ts";
import { withClient } from "./postgres.ts";
import { until, type World } from "./world.ts";

/** Any number that nobody else locks. */
const LOCK = 77_013;

/** Where slices can be held: before they are claimed, or when the ledger has them as done and the run is about to go on. */
export type HeldStep = "running" | "done";

/**
 * Runs `work` while every slice that takes the step stands still in the control database, whose statement timeout lets it stand for
 * less than 30 s.
 */
export async function whileStepHeld<T>(
  world: World,
  step: HeldStep,
  work: (held: { reached: () => Promise<void>; release: () => Promise<void> }) => Promise<T>,
): Promise<T> {
  const { controlUrl } = world;
  const change = (sql: string) => withClient(controlUrl, (client) => client.query(sql));
  await change(`
    create or replace function hold_step() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(${LOCK}); return new; end';
    create or replace trigger hold_step before update on run_slices for each row
    when (new.status = '${step}' and old.status <> new.status) execute function hold_step()`);
  const reached = () =>
    until("a held slice", () =>
      withClient(controlUrl, async (client) => {
        const { rowCount } = await client.query(
          `select from pg_locks where locktype = 'advisory' and objid = $1 and not granted
           and database = (select oid from pg_database where datname = current_database())`,
          [LOCK],
        );
        return rowCount === 0 ? null : undefined;
      }),
    );
  try {
    return await whileLocked(controlUrl, `select pg_advisory_xact_lock(${LOCK})`, (release) =>
      work({ reached, release }),
    );
  } finally {
    await change("drop trigger hold_step on run_slices");
  }
}
