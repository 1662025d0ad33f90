import { strongestPulse } from "../../core/pulse.ts";
import { createDial } from "../../egress/dial.ts";
import type { ConnectOptions, Source } from "../provider.ts";
import { checkServer } from "./check.ts";
import type { ConnectionConfig, SourceConfig } from "./config.ts";
import { digestWindow } from "./digest.ts";
import { discoverEntities } from "./discover.ts";
import { planEntity } from "./plan.ts";
import { planComparison } from "./plan-comparison.ts";
import { readSlice } from "./read.ts";
import { createSession } from "./session.ts";
import { createSessionPool } from "./session-pool.ts";

/** Sessions that plan side by side. */
const PLANS_AT_ONCE = 4;

export function createSource(options: ConnectOptions<ConnectionConfig, SourceConfig>): Source {
  const { config, sourceConfig, egress, isControlDatabase = async () => false } = options;
  const password = options.secrets.password ?? "";
  const access = { config, password, isControlDatabase, dial: createDial({ policy: egress, reach: "private" }) };
  const open = () => createSession(access, options.signal);
  const session = open();
  const converter = open();
  const planners = createSessionPool(PLANS_AT_ONCE, open);
  return {
    check: () => checkServer(session, config),
    discover: (entityKeys, known = new Map()) =>
      discoverEntities(planners, { config, sourceConfig }, entityKeys, known),
    plansAtOnce: PLANS_AT_ONCE,
    plan: (request) => planners.use((planner) => planEntity(planner, config, request)),
    read: (request) => readSlice(session, converter, request),
    probe: async () => strongestPulse(await Promise.all([session.look(), converter.look(), planners.look()])),
    close: async () => {
      await Promise.all([session.close(), converter.close(), planners.close()]);
    },
    comparison: {
      plan: (request, destination) => planners.use((planner) => planComparison(planner, config, request, destination)),
      digest: (request) => digestWindow(session, converter, request),
    },
  };
}
