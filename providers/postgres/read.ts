import { z } from "zod";
import type { Checkpoint, Window } from "../../core/slices.ts";
import { type CopyBatch, UnconvertedTextError } from "../batch.ts";
import type { ReadRequest } from "../provider.ts";
import { copyAsSent, copyConverted, findPart } from "./copy-batch.ts";
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
 * @param converter asked while the session sends rows
 */
export async function* readSlice(
  session: Session,
  converter: Session,
  request: ReadRequest,
): AsyncGenerator<CopyBatch, void, undefined> {
  const { window } = request;
  const spec = readSpecSchema.parse(request.spec.source);
  const order = window.by === "time" ? spec.timeOrder : spec.keyOrder;
  const pageRows = rowsPerBatch(request);
  const doing = `read of ${request.spec.entityKey}`;
  const inWindow = windowConditions(window, spec);

  let after = startOf(request.checkpoint);
  const { asText, copyFor } = request;
  // What an older server takes for another value, such as the infinite interval of 17, it refuses as text.
  const isNewer = copyFor !== undefined && (await session.majorVersion(doing)) > copyFor;
  const fastest = isNewer || asText === "all" ? "text" : "binary";
  let format: CopyBatch["format"] = asText === "first" ? "text" : fastest;
  let converts = request.convert !== undefined;
  while (after !== "done") {
    const conditions = [
      ...(converts && findPart(window) !== null ? [] : inWindow),
      ...(after === null ? [] : [compareRow(order, ">", after, spec)]),
    ];
    const types = await readPlannedTypes(session, doing, spec);
    const page = isOnePage(window, after, pageRows)
      ? { last: null }
      : await findPage(session, doing, spec, { conditions, order, pageRows }).catch(withoutBound);
    if (page === null) return;
    const range = page.last === null ? conditions : [...conditions, compareRow(order, "<=", page.last, spec)];
    const question = { doing, spec, window, range, beforeEnd: () => requireSameTypes(session, doing, spec, types) };
    const copy = await (converts
      ? copyConverted(session, converter, question)
      : copyAsSent(session, question, { format }));
    try {
      yield {
        kind: "copy",
        columns: request.spec.columns.map((column) => column.name),
        ...copy.batch,
        checkpoint: page.last === null ? { done: true } : { after: page.last },
        final: page.last === null,
      };
    } finally {
      // Whoever stops half-way leaves the session free for the next statement.
      copy.stop();
    }
    after = page.last ?? "done";
    format = fastest;
    converts = request.convert === "all";
  }
}

/** A bound that the server cannot convert, or cannot compare by, cannot be passed back: what is left is one batch. */
function withoutBound(error: unknown): { last: null } {
  if (error instanceof UnconvertedTextError) return { last: null };
  throw error;
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
      `select ${asText(order)} as key ${source} order by ${orderBy(order, spec)} offset ${pageRows - 1} limit 2`,
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
