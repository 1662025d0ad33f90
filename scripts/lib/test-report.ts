/** The part of vitest's JSON report that a verdict needs. */
export interface TestReport {
  /** False also for an error outside every test, such as an unhandled rejection. */
  success: boolean;
  numPassedTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
}

export interface Verdict {
  passed: number;
  failed: number;
  /** What counts as failed, one line each. */
  reasons: string[];
}

/** A file that could not be loaded counts as one failure, and so does each test that did not run. */
export function judgeTests(report: TestReport): Verdict {
  const reasons = report.testResults.flatMap(({ name, status, assertionResults }) => {
    const bad = assertionResults.filter((test) => test.status !== "passed");
    if (bad.length === 0 && status !== "passed") return [`failed to run: ${name}`];
    return bad.map((test) => `${test.status}: ${name}: ${test.fullName}`);
  });
  if (reasons.length === 0 && report.numPassedTests === 0) reasons.push("failed to run: no test was found");
  if (reasons.length === 0 && !report.success)
    reasons.push("failed: an error outside the tests; see vitest's own output");
  return { passed: report.numPassedTests, failed: reasons.length, reasons };
}
