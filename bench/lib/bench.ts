import type pg from "pg";
import type { SluiceClient } from "../../client/index.ts";
import type { StackInfo } from "../../scripts/lib/stack.ts";

/** What a scenario works with: a running stack, and what the command line asked for. */
export interface Bench {
  info: StackInfo;
  sluice: SluiceClient;
  /** What the worker tells of itself. */
  workerMetricsUrl: string;
  /** The connection to the source database. */
  connectionId: string;
  source: pg.Pool;
  warehouse: pg.Pool;
  /** Of a full load of the large table. */
  rows: number;
  /** Measurements of each contender; the median counts. */
  runs: number;
  /** How long something is watched that never ends by itself. */
  seconds: number;
  /** Of worker processes besides the stack's. */
  furtherWorkerEnv: NodeJS.ProcessEnv;
  /** Also what takes very long. */
  large: boolean;
  /** The script that runs other tools; null: without them. */
  peersScript: string | null;
  signal: AbortSignal;
  /** Tells people what is done now. */
  say: (line: string) => void;
}
