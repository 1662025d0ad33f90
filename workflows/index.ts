export { cancelJob } from "./cancel-job.ts";
export { connectionTask } from "./connection-task.ts";
export { syncRun } from "./sync-run.ts";
