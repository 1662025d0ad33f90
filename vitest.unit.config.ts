import { defineConfig } from "vitest/config";

/** The tests of `npm run verify`: pure functions, rules and documents. No server is started. */
export default defineConfig({
  test: {
    // They share nothing that one could leave behind for another.
    isolate: false,
    // The whole tree is read by some; four other checks run beside them.
    testTimeout: 60_000,
    include: [
      "test/*.test.ts",
      "test/core/**/*.test.ts",
      "test/db/secrets.test.ts",
      "test/scripts/test-report.test.ts",
      "test/workflows/fan-out.test.ts",
    ],
  },
});
