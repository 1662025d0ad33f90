export { checkConnection } from "./check-connection.ts";
export { syncRun } from "./sync-run.ts";
