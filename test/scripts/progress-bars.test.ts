import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import type { Run } from "../../client/index.ts";
import { createProgressBars } from "../../scripts/demo/progress-bars.ts";

const ENTITIES = { orders: { rows: 4, status: "done" } };

/** The line of `orders` at the end of a run that has moved 4 of them. */
function lineOf(expected: Record<string, number | null>): string {
  const output = new PassThrough();
  const bars = createProgressBars(output as unknown as NodeJS.WriteStream, expected);
  bars.show({ status: "succeeded", summary: { entities: ENTITIES } } as unknown as Run);
  bars.close();
  return String(output.read()).match(/^ +orders .*$/m)?.[0] ?? "";
}

it("shows how many rows there are to move, where that is known", () => {
  expect(lineOf({ orders: 210 })).toMatch(/orders +█+ +4 \/ +210 {2}done$/);
});

it("shows no total where nobody knows what an incremental run has to move", () => {
  expect(lineOf({ orders: null })).toMatch(/orders +█+ +4 rows {2}done$/);
});
