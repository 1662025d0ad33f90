import type { Bench } from "../lib/bench.ts";
import type { Outcome } from "../lib/samples.ts";
import { fullLoad } from "./full-load.ts";
import { incremental } from "./incremental.ts";
import { nothingNew } from "./nothing-new.ts";

/** By the name that the command line gives. */
export const SCENARIOS: Record<string, (bench: Bench) => Promise<Outcome>> = {
  full: fullLoad,
  incremental,
  "nothing-new": nothingNew,
};
