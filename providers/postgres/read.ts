import { z } from "zod";
import type { Checkpoint, Window } from "../../core/slices.ts";
import type { CopyBatch, ReadRequest } from "../provider.ts";
import { readPlannedTypes, requireSameTypes } from "./present-types.ts";
import { asText, compareRow, orderBy, where, windowConditions } from "./range.ts";
import { type ReadSpec, readSpecSchema } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** `after`: the order columns of the last row that is read; `done`: nothing is left. */
const positionSchema = z.union([
  z.strictObject({ after: z.array(z.string()) }),
  z.strictObject({ done: z.literal(true) }),
]);

/**
 * A batch is a range that is bounded before it is read: the same range gives the same rows again, but for what the
 * source has changed meanwhile, and no row stands on two sides of a bound.
 */
export async function* readSlice(session: Session, request: ReadRequest): AsyncGenerator<CopyBatch, void, undefined> {
  const { window } = request;
  const spec = readSpecSchema.parse(request.spec.source);
  const order = window.by === "time" ? spec.timeOrder : spec.keyOrder;
  const pageRows = rowsPerBatch(request);
  const doing = `read of ${request.spec.entityKey}`;
  const inWindow = windowConditions(window, spec.comparedTypes);

  let after = startOf(request.checkpoint);
  const { asText, copyFor } = request;
  // What an older server takes for another value, such as the infinite interval of 17, it refuses as text.
  const isNewer = copyFor !== undefined && (await session.majorVersion(doing)) > copyFor;
  const fastest = isNewer || asText === "all" ? "text" : "binary";
  let format: CopyBatch["format"] = asText === "first" ? "text" : fastest;
  while (after !== "done") {
    const conditions = [...inWindow, ...(after === null ? [] : [compareRow(order, ">", after, spec.comparedTypes)])];
    const types = await readPlannedTypes(session, doing, spec);
    const page = isOnePage(window, after, pageRows)
      ? { last: null }
      : await findPage(session, doing, spec, { conditions, order, pageRows });
    if (page === null) return;
    const range =
      page.last === null ? conditions : [...conditions, compareRow(order, "<=", page.last, spec.comparedTypes)];
    const selected = `select ${spec.expressions.join(", ")} from ${spec.relation} ${where(range)}`;
    const copy = await session.copyOut(doing, `copy (${selected}) to stdout (format ${format})`, () =>
      requireSameTypes(session, doing, spec, types),
    );
    try {
      yield {
        kind: "copy",
        format,
        columns: request.spec.columns.map((column) => column.name),
        stream: copy,
        recycle: copy.recycle,
        checkpoint: page.last === null ? { done: true } : { after: page.last },
        final: page.last === null,
      };
    } finally {
      // Whoever stops half-way leaves the session free for the next statement.
      copy.destroy();
    }
    after = page.last ?? "done";
    format = fastest;
  }
}

/** Cut so that it is one: its end need not be looked for, which takes as long as reading the index. */
function isOnePage(window: Window, after: string[] | null, pageRows: number): boolean {
  const estimatedRows = "estimatedRows" in window ? window.estimatedRows : undefined;
  return after === null && (estimatedRows ?? Infinity) <= pageRows;
}

/**
 * Looks one row further than the page is long, to know whether it is the last.
 * @returns null where no row is left; `last` is null for the last page
 */
async function findPage(
  session: Session,
  doing: string,
  spec: ReadSpec,
  range: { conditions: string[]; order: string[]; pageRows: number },
): Promise<{ last: string[] | null } | null> {
  const { conditions, order, pageRows } = range;
  const source = `from ${spec.relation} as t ${where(conditions)}`;
  if (order.length > 0) {
    const bounds = await session.query<{ key: string[] }>(
      doing,
      `select ${asText(order)} as key ${source} order by ${orderBy(order)} offset ${pageRows - 1} limit 2`,
    );
    const [bound] = bounds;
    if (bound !== undefined) return { last: bounds.length > 1 ? bound.key : null };
  }
  const [left] = await session.query<{ present: boolean }>(doing, `select exists (select ${source}) as present`);
  return left?.present ? { last: null } : null;
}

function startOf(checkpoint: Checkpoint): string[] | "done" | null {
  if (checkpoint === null) return null;
  const position = positionSchema.parse(checkpoint);
  return "done" in position ? "done" : position.after;
}

function rowsPerBatch({ batchRows, batchBytes, spec }: ReadRequest): number {
  return Math.max(1, Math.min(batchRows, Math.floor(batchBytes / Math.max(1, spec.estimatedRowBytes))));
}
