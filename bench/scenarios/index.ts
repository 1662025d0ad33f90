import type { Bench } from "../lib/bench.ts";
import type { Outcome } from "../lib/samples.ts";
import { budgetCost } from "./budget-cost.ts";
import { budgets } from "./budgets.ts";
import { columns } from "./columns.ts";
import { files } from "./files.ts";
import { fullLoad } from "./full-load.ts";
import { hostile } from "./hostile.ts";
import { incremental } from "./incremental.ts";
import { json } from "./json.ts";
import { kills } from "./kills.ts";
import { largeValues } from "./large-values.ts";
import { memory } from "./memory.ts";
import { nothingNew } from "./nothing-new.ts";
import { requests } from "./requests.ts";
import { scaling } from "./scaling.ts";
import { shapes } from "./shapes.ts";
import { smallTables } from "./small-tables.ts";
import { streams } from "./streams.ts";
import { ties } from "./ties.ts";

type Scenario = (bench: Bench) => Promise<Outcome>;

const SCENARIOS: Record<string, Scenario> = {
  full: fullLoad,
  incremental,
  "nothing-new": nothingNew,
  ...ties,
  scaling,
  ...columns,
  "large-values": largeValues,
  "small-tables": smallTables,
  ...shapes,
  memory,
  kills,
  hostile,
  "budgets/shared": budgets,
  "budgets/cost": budgetCost,
  ...json,
  ...streams,
  ...files,
  ...requests,
};

/**
 * @param wanted names, or groups such as `shapes`; all when there are none
 * @throws Error for a name that there is not
 */
export function chooseScenarios(wanted: readonly string[]): [name: string, scenario: Scenario][] {
  const all = Object.entries(SCENARIOS);
  if (wanted.length === 0) return all;
  return wanted.flatMap((want) => {
    const chosen = all.filter(([name]) => name === want || name.startsWith(`${want}/`));
    if (chosen.length > 0) return chosen;
    throw new Error(`there is no scenario ${want}; there are ${Object.keys(SCENARIOS).join(", ")}`);
  });
}
