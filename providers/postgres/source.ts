import type { ConnectOptions, Source } from "../provider.ts";
import { checkServer } from "./check.ts";
import type { ConnectionConfig, SourceConfig } from "./config.ts";
import { digestWindow } from "./digest.ts";
import { discoverEntities } from "./discover.ts";
import { planEntity } from "./plan.ts";
import { planComparison } from "./plan-comparison.ts";
import { readSlice } from "./read.ts";
import { createSession } from "./session.ts";

export function createSource(options: ConnectOptions<ConnectionConfig, SourceConfig>): Source {
  const { config } = options;
  const session = createSession({ config, password: options.secrets.password ?? "", signal: options.signal });
  return {
    check: () => checkServer(session, config),
    discover: (entityKeys) => discoverEntities(session, config, entityKeys),
    plan: (request) => planEntity(session, config, request),
    read: (request) => readSlice(session, request),
    probe: () => session.isMoving(),
    close: () => session.close(),
    comparison: {
      plan: (request, destination) => planComparison(session, config, request, destination),
      digest: (request) => digestWindow(session, request),
    },
  };
}
