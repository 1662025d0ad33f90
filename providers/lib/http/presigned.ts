import { createRedactor, type Redactor } from "../../../core/redact.ts";

/** Shorter parts of a path are names, and shorter values of a query settings. */
const SHORTEST_IN_PATH = 24;
const SHORTEST_VALUE = 8;

/**
 * As `redactor`, and blacks out what a presigned address has in its path and query. It forgets them with the request: a sync may ask for
 * a hundred thousand such addresses.
 */
export function hidingAddress(redactor: Redactor, url: string): Redactor {
  if (!URL.canParse(url)) return redactor;
  const { pathname, searchParams } = new URL(url);
  const own = createRedactor([
    ...pathname.split("/").filter((part) => part.length >= SHORTEST_IN_PATH),
    ...[...searchParams.values()].filter((value) => value.length >= SHORTEST_VALUE),
  ]);
  return { ...redactor, redact: (text) => own.redact(redactor.redact(text)) };
}
