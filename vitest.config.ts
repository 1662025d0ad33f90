import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** These wait for real servers, kills and takeovers: a minute or more. Any of them that began late would be alone at the end. */
const SLOWEST = [
  "random-histories",
  "export-jobs",
  "worker-killed",
  "busy-fleet",
  "failpoints",
  "slow-work",
  "control-database-away",
  "servers-restarted",
  "refusing-destination",
  "key-texts",
  "stuck-workflow",
  "many-cancels",
  "worker-paused",
  "shared-budget",
  "unproved-runs",
  "edits-in-a-run-http",
  "silent-source",
  "chain-counts",
  "source-changes",
  "demo",
  "many-entities",
  "restore",
  "large-lists",
];

/** The slowest first, then as vitest has it: by what the last run took, on a new clone by size. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = SLOWEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found < 0 ? SLOWEST.length : found;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

/** Their files leave nothing behind in a process: one runs many, and loads what they have in common once. */
const SHARED = ["api", "core", "db", "destinations", "egress", "providers"].map((room) => `test/${room}/**/*.test.ts`);
/** They look at threads of their process, or at what it keeps of a source. */
const ALONE = ["test/providers/lib/fence/**/*.test.ts", "test/providers/lazy.test.ts"];

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: "test/global-setup.ts",
    // Tests wait for real servers, kills and takeovers.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Polls wait for a state of servers that share two cores; vitest's own second is over in one stall.
    expect: { poll: { timeout: 60_000 } },
    // Most of their time tests wait.
    maxWorkers: 5,
    sequence: { sequencer: SlowestFirst },
    projects: [
      { extends: true, test: { name: "isolated", include: ["test/**/*.test.ts"], exclude: SHARED } },
      { extends: true, test: { name: "shared", include: SHARED, exclude: ALONE, isolate: false } },
      { extends: true, test: { name: "alone", include: ALONE } },
    ],
  },
});
