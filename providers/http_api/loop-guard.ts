import { createHash } from "node:crypto";
import { TerminalError } from "../../core/errors.ts";
import type { PageToken } from "./paginators.ts";

export interface GuardedPage {
  body: Buffer;
  records: number;
  next: PageToken | null;
}

/**
 * Watches one listing for a source that goes round in a circle, which would otherwise read for ever, or end as if all were
 * well.
 */
export function createLoopGuard(doing: string, maxPages: number): (page: GuardedPage) => void {
  const tokens = new Set<string>();
  let pages = 0;
  let before = "";

  return ({ body, records, next }) => {
    pages += 1;
    const content = records === 0 ? "" : digest(body);
    if (content !== "" && content === before) throw looping(doing, "gave the same page twice in a row");
    before = content;
    if (next === null) return;
    const token = digest(String(next.at));
    if (tokens.has(token)) throw looping(doing, "named a next page that was read before");
    tokens.add(token);
    if (pages >= maxPages) throw looping(doing, `has more than ${maxPages} pages (maxPages)`);
  };
}

/** Short: one is kept for each page. */
function digest(data: Buffer | string): string {
  return createHash("sha1").update(data).digest("base64").slice(0, 16);
}

function looping(doing: string, what: string): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `http_api: ${doing} ${what}. Correct the paginator of the resource: its parameters may have no effect.`,
  );
}
