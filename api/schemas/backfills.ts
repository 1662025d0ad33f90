import { z } from "@hono/zod-openapi";
import { type BackfillWindow, isIntegerBound } from "../../core/run-request.ts";
import { namedEntities } from "./primitives.ts";

const BOUND = "Input should be an RFC 3339 instant with at most microseconds, a date, or an integer";

/** What a cursor can be compared with: a date is its first moment in UTC. */
const bound = z
  .union([z.int(), z.iso.date(), z.iso.datetime({ offset: true }), z.string().regex(/^-?\d{1,19}$/)], { error: BOUND })
  .transform(String)
  .refine((given) => (isIntegerBound(given) ? isBigint(given) : isStorableTime(given)), BOUND);

export const backfillWindow = z
  .strictObject({
    from: bound.openapi({ description: "Rows whose cursor is this or later.", example: "2026-01-01" }),
    to: bound.nullable().optional().openapi({
      description: "Rows whose cursor is earlier than this. Absent: up to the newest that there is.",
      example: "2026-02-01T00:00:00Z",
    }),
  })
  .transform(({ from, to = null }): BackfillWindow => ({ from, to }))
  .check((ctx) => {
    const { from, to } = ctx.value;
    if (to === null) return;
    const sameKind = isIntegerBound(from) === isIntegerBound(to);
    if (sameKind && placeOf(from) < placeOf(to)) return;
    const message = sameKind ? "to should be later than from" : "from and to should be of one kind";
    ctx.issues.push({ code: "custom", path: ["to"], message, input: to });
  });

export const startBackfillBody = z
  .strictObject({
    window: backfillWindow,
    entities: namedEntities(),
  })
  .openapi("StartBackfill");
export type StartBackfillBody = z.output<typeof startBackfillBody>;

function isBigint(digits: string): boolean {
  const number = BigInt(digits);
  return BigInt.asIntN(64, number) === number;
}

/** Postgres has no year 0, and would round a bound to microseconds. */
function isStorableTime(time: string): boolean {
  return !time.startsWith("0000") && !/\.\d{7}/.test(time);
}

/** Integers as they are, times in microseconds. */
function placeOf(given: string): bigint {
  if (isIntegerBound(given)) return BigInt(given);
  const [, fraction = ""] = /\.(\d+)/.exec(given) ?? [];
  return BigInt(Date.parse(given)) * 1000n + BigInt(fraction.slice(3, 6).padEnd(3, "0"));
}
