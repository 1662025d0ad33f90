import { TerminalError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import { type JsonValue, plainOf } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { describeNested } from "./page-value.ts";
import { selectOne } from "./selector.ts";

/**
 * Null: the source says nothing here. Some say -1 where they do not know.
 * @throws TerminalError source_response_invalid
 */
export function countAt(
  provider: ProviderKey,
  { body, headers }: { body: JsonValue | undefined; headers: Headers },
  path: string | undefined,
  header: string | undefined,
): number | null {
  const found =
    header !== undefined
      ? headers.get(header)
      : body === undefined || path === undefined
        ? null
        : plainOf(selectOne(body, path));
  const text = typeof found === "string" ? withoutRange(found.trim()) : (found ?? "");
  if (text === "") return null;
  // A number made of an array goes as deep as it is nested.
  const count = typeof text === "object" ? Number.NaN : Number(text);
  if (typeof text === "object" || typeof text === "boolean" || !Number.isSafeInteger(count)) {
    const place = header === undefined ? `the body has no number at ${path}` : `the header ${header} is no number`;
    const isNested = typeof text === "object";
    throw new TerminalError(
      "source_response_invalid",
      `${provider}: ${place}${isNested ? ` but ${describeNested(text)}` : ""}.`,
      { fix: isNested ? WRITERS_FIXES.count.written : WRITERS_FIXES.pages.written },
    );
  }
  return count < 0 ? null : count;
}

/**
 * Elasticsearch and OpenSearch count up to a bound and say so beside the number: `{"value": 10000, "relation": "gte"}`. Then there are at
 * least as many, and nothing shows that there are no more.
 * @see https://www.elastic.co/guide/en/elasticsearch/reference/current/search-your-data.html#track-total-hits
 */
export function isLowerBound(body: JsonValue | undefined, path: string | undefined): boolean {
  const [, holder] = /^(.+)\.value$/.exec(path ?? "") ?? [];
  return holder !== undefined && body !== undefined && selectOne(body, `${holder}.relation`) === "gte";
}

const RANGE = /^(?:(?!bytes)[a-z-]+[ =])?(?:\*|\d+-\d+)\/(\d+|\*)$/i;

/**
 * The total of a Content-Range; null where it names none. PostgREST and others page with it.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.4
 */
export function totalInRange(header: string): number | null {
  const total = RANGE.exec(header.trim())?.[1];
  return total === undefined || total === "*" ? null : Number(total);
}

function withoutRange(text: string): string {
  return RANGE.test(text) ? String(totalInRange(text) ?? "") : text;
}
