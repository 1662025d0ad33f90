import { describe, expect, test } from "vitest";
import {
  ACTIVE_RUN_STATUSES,
  isTerminal,
  nextStatus,
  RUN_STATUSES,
  RUN_TRANSITIONS,
  type RunEvent,
  type RunStatus,
  sourcesOf,
  TERMINAL_RUN_STATUSES,
} from "../../core/run-lifecycle.ts";

const EVENTS = Object.keys(RUN_TRANSITIONS) as RunEvent[];

/** Written down a second time, by status: what is not here must not happen. */
const EXPECTED: Record<RunStatus, Partial<Record<RunEvent, RunStatus>>> = {
  queued: { promote: "pending", request_cancel: "cancelled", skip: "skipped" },
  pending: { begin: "running", request_cancel: "cancelled", fail: "failed", skip: "skipped" },
  running: {
    wait: "waiting",
    request_cancel: "cancelling",
    succeed: "succeeded",
    end_partial: "partial",
    fail: "failed",
  },
  waiting: {
    resume: "running",
    request_cancel: "cancelling",
    succeed: "succeeded",
    end_partial: "partial",
    fail: "failed",
  },
  cancelling: { acknowledge_cancel: "cancelled", succeed: "succeeded", end_partial: "partial", fail: "failed" },
  succeeded: {},
  partial: {},
  failed: {},
  cancelled: {},
  skipped: {},
};

describe("the run lifecycle", () => {
  test.each(RUN_STATUSES.flatMap((from) => EVENTS.map((event) => ({ from, event }))))(
    "$from + $event goes where the design says, or nowhere",
    ({ from, event }) => {
      expect(nextStatus(from, event)).toBe(EXPECTED[from][event] ?? null);
      expect(sourcesOf(event).includes(from)).toBe(EXPECTED[from][event] !== undefined);
    },
  );

  test("a terminal run never changes", () => {
    expect([...TERMINAL_RUN_STATUSES].sort()).toEqual(["cancelled", "failed", "partial", "skipped", "succeeded"]);
    for (const status of TERMINAL_RUN_STATUSES) {
      expect(EVENTS.filter((event) => nextStatus(status, event) !== null)).toEqual([]);
    }
  });

  test("a status is terminal, active or queued, and nothing else", () => {
    for (const status of RUN_STATUSES) {
      const kinds = [
        isTerminal(status),
        (ACTIVE_RUN_STATUSES as readonly RunStatus[]).includes(status),
        status === "queued",
      ];
      expect(kinds.filter(Boolean), status).toHaveLength(1);
    }
  });

  test("every run that has not ended can end, and can be stopped", () => {
    const reachable = (from: RunStatus, seen = new Set<RunStatus>()): Set<RunStatus> => {
      for (const event of EVENTS) {
        const to = nextStatus(from, event);
        if (to !== null && !seen.has(to)) reachable(to, seen.add(to));
      }
      return seen;
    };
    for (const status of RUN_STATUSES.filter((each) => !isTerminal(each))) {
      const ends = reachable(status);
      expect([...ends], status).toContain("succeeded");
      expect([...ends], status).toContain("cancelled");
    }
    expect([...reachable("queued"), "queued"].sort()).toEqual([...RUN_STATUSES].sort());
  });

  test("a run that is being cancelled is neither begun nor resumed", () => {
    expect(nextStatus("cancelling", "begin")).toBeNull();
    expect(nextStatus("cancelling", "resume")).toBeNull();
    expect(nextStatus("cancelling", "wait")).toBeNull();
  });
});
