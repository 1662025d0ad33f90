import { describe, expect, test } from "vitest";
import { judgeTests, type TestReport } from "../../scripts/lib/test-report.ts";

function report(files: Record<string, string[]>, fileStatus: Record<string, string> = {}): TestReport {
  const statuses = Object.values(files).flat();
  return {
    success: !statuses.includes("failed"),
    numPassedTests: statuses.filter((status) => status === "passed").length,
    testResults: Object.entries(files).map(([name, tests]) => ({
      name,
      status: fileStatus[name] ?? (tests.includes("failed") ? "failed" : "passed"),
      assertionResults: tests.map((status, index) => ({ status, fullName: `test ${index}` })),
    })),
  };
}

describe("the verdict on a test run", () => {
  test("is clean when every test ran and passed", () => {
    expect(judgeTests(report({ a: ["passed", "passed"], b: ["passed"] }))).toEqual({
      passed: 3,
      failed: 0,
      reasons: [],
    });
  });

  test.each(["pending", "todo", "skipped", "failed"])("counts a test that is %s as failed", (status) => {
    expect(judgeTests(report({ a: ["passed", status] }))).toEqual({
      passed: 1,
      failed: 1,
      reasons: [`${status}: a: test 1`],
    });
  });

  test("counts a file that could not be loaded", () => {
    expect(judgeTests(report({ a: ["passed"], b: [] }, { b: "failed" }))).toEqual({
      passed: 1,
      failed: 1,
      reasons: ["failed to run: b"],
    });
  });

  test("counts a hook that failed after its tests passed, and an error outside every test", () => {
    expect(judgeTests(report({ a: ["passed"] }, { a: "failed" })).failed).toBe(1);
    expect(judgeTests({ ...report({ a: ["passed"] }), success: false }).failed).toBe(1);
  });

  test("counts no test at all as a failure", () => {
    expect(judgeTests(report({})).failed).toBe(1);
  });
});
