import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "./random.ts";
import type { WorkerProcess, World } from "./world.ts";

const PAUSE_MS = 7_000;

export interface Faults {
  /** @returns what it did */
  inject(): Promise<string>;
  /** The worker at work dies, and another one begins. */
  kill(): Promise<void>;
}

export interface FaultOptions {
  /** Of the workers. */
  env?: Record<string, string>;
  /** In place of sessions at the source that are lost. */
  ofSource?: Record<string, (faults: Pick<Faults, "kill">) => Promise<unknown> | unknown>;
}

/** Workers that die or wake up late, and sessions that are ended. One worker is always at work, or about to be. */
export async function createFaults(world: World, dice: Dice, options: FaultOptions = {}): Promise<Faults> {
  const { env = {}, ofSource = { loseSource: () => loseSessions(world.source) } } = options;
  let worker: WorkerProcess = await world.startWorker(env);
  const loseSessions = (query: World["source"]) =>
    query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'sluice%' and random() < 0.6`,
    );
  async function kill(): Promise<void> {
    await worker.kill();
    worker = await world.startWorker(env);
  }
  const faults: NonNullable<FaultOptions["ofSource"]> = {
    kill,
    async pause() {
      const paused = worker;
      paused.signal("SIGSTOP");
      worker = await world.startWorker(env);
      void sleep(PAUSE_MS, null, { ref: false }).then(() => paused.signal("SIGCONT"));
    },
    ...ofSource,
    loseWarehouse: () => loseSessions(world.warehouse),
  };
  return {
    kill,
    async inject() {
      const [name, run] = dice.pick(Object.entries(faults));
      await run({ kill });
      return name;
    },
  };
}
