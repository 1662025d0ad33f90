import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "./random.ts";
import type { WorkerProcess, World } from "./world.ts";

const PAUSE_MS = 7_000;

export interface Faults {
  /** @returns what it did */
  inject(): Promise<string>;
}

/** Workers that die or wake up late, and sessions that are ended. One worker is always at work, or about to be. */
export async function createFaults(world: World, dice: Dice): Promise<Faults> {
  let worker: WorkerProcess = await world.startWorker();
  const loseSessions = (query: World["source"]) =>
    query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'sluice%' and random() < 0.6`,
    );
  const faults = {
    async kill() {
      await worker.kill();
      worker = await world.startWorker();
    },
    async pause() {
      const paused = worker;
      paused.signal("SIGSTOP");
      worker = await world.startWorker();
      void sleep(PAUSE_MS, null, { ref: false }).then(() => paused.signal("SIGCONT"));
    },
    loseSource: () => loseSessions(world.source),
    loseWarehouse: () => loseSessions(world.warehouse),
  };
  return {
    async inject() {
      const [name, run] = dice.pick(Object.entries(faults));
      await run();
      return name;
    },
  };
}
