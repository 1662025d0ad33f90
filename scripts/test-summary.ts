import { existsSync, readFileSync } from "node:fs";
import { judgeTests, type TestReport, type Verdict } from "./lib/test-report.ts";

/** usage: test-summary.ts REPORT.json. The last line is `N passed, N failed`; exit code 1 unless all ran and passed. */

function readVerdict(path: string): Verdict {
  if (!existsSync(path)) return { passed: 0, failed: 1, reasons: [`failed to run: vitest wrote no report to ${path}`] };
  return judgeTests(JSON.parse(readFileSync(path, "utf8")) as TestReport);
}

const verdict = readVerdict(process.argv[2] ?? "");
for (const reason of verdict.reasons) console.log(reason);
console.log(`${verdict.passed} passed, ${verdict.failed} failed`);
process.exitCode = verdict.failed === 0 ? 0 : 1;
