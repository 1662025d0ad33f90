import { fileURLToPath } from "node:url";

/**
 * Becomes the worker, as the same process, with what keeps its memory small and can only be set at a start; ADR 21 has the figures.
 * Flags and variables that are given go before.
 */
const FLAGS = [
  // Rows are soon garbage: more room for them is filled, not needed.
  "--max-semi-space-size=12",
  // Old garbage is collected when the heap is half as large again as what was in use; by default, four times.
  "--heap-growing-percent=50",
];
/** Each thread's arena would keep what it has freed, and there are many threads. */
const VARIABLES = { MALLOC_ARENA_MAX: "2" };

// Windows has no such call.
if (process.platform === "win32" || process.execve === undefined) {
  const { main } = await import("./worker.ts");
  await main();
} else {
  const program = fileURLToPath(new URL("worker.ts", import.meta.url));
  process.execve(process.execPath, [process.execPath, ...FLAGS, ...process.execArgv, program], {
    ...VARIABLES,
    ...process.env,
  });
}
