import { TestWorkflowEnvironment } from "@temporalio/testing";

/**
 * Leaves the SDK's own choice of Temporal dev server in the directory given as the only argument. A program of its own:
 * the SDK can only download by starting the server too, and can't be interrupted.
 */
const [, , downloadDir] = process.argv;
if (downloadDir === undefined) throw new Error("usage: download-temporal.ts DIRECTORY");

try {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: "cached-download", downloadDir, version: "default" } },
  });
  await environment.teardown();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
