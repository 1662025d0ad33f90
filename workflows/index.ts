export { connectionTask } from "./connection-task.ts";
export { syncRun } from "./sync-run.ts";
