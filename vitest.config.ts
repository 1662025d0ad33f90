import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    globalSetup: "test/global-setup.ts",
    // Tests wait for real servers, kills and takeovers.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Most of their time tests wait.
    maxWorkers: 3,
  },
});
