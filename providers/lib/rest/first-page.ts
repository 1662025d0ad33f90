import { isProviderError, TerminalError } from "../../../core/errors.ts";
import { type JsonObject, jsonOf } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { endedBy } from "./listing-end.ts";
import type { ReadContext } from "./pages.ts";
import type { Paginator } from "./paginator.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { sampleRecords } from "./sample.ts";
import { selectOne } from "./selector.ts";

type OtherStart = NonNullable<Paginator["otherStart"]>;

/**
 * Looks whether a resource that does not say which page is its first begins elsewhere than is usual: the records there would never be
 * read, without a word.
 * @param sample records from the supposed first page on
 * @throws TerminalError config_invalid where it does
 */
export async function checkFirstPage(
  context: ReadContext,
  resource: Resource,
  sample: () => Promise<JsonObject[]>,
): Promise<void> {
  const { otherStart } = resource.paging;
  if (otherStart === undefined || (otherStart.ifEmpty && (await sample()).length > 0)) return;
  const others = await readOther(context, resource, otherStart);
  if (others.length === 0) return;
  const known = new Set((await sample()).map((record) => identify(record, resource)));
  // Many sources take page 0 for page 1, and a row may be added between the two requests.
  if (others.some((record) => known.has(identify(record, resource)))) return;
  throw startsElsewhere(resource, otherStart);
}

/** Whatever is no page with records says that there is none. */
async function readOther(context: ReadContext, resource: Resource, { page }: OtherStart): Promise<JsonObject[]> {
  const paging: Paginator = {
    ...{ perishable: false, endsNotFound: false, provesEnd: true },
    parameters: () => page,
    next: () => ({ token: null, end: endedBy("single") }),
  };
  const asked: Resource = {
    ...resource,
    paging,
    missingRecords: "empty",
    errorRules: [REFUSED, ...resource.errorRules],
  };
  try {
    return await sampleRecords(context, asked, 1);
  } catch (error) {
    if (isProviderError(error) && error.reasonCode === "source_response_invalid") return [];
    throw error;
  }
}

/** Not what has nothing to do with the page: credentials (401, 403), limits (429) and outages (502 to 504). */
const REFUSED: ErrorRule = { status: [400, 404, 405, 406, 409, 410, 416, 422, 500, 501], action: "ignore" };

/** By its key, or whole. */
function identify(record: JsonObject, { primaryKey }: Resource): string {
  const key = primaryKey.map((path) => selectOne(record, path) ?? null);
  return key.some((value) => value !== null) ? JSON.stringify(key) : (jsonOf(record) ?? "");
}

function startsElsewhere({ provider, name }: Resource, { at, ifEmpty }: OtherStart): TerminalError {
  const what = ifEmpty
    ? `is read from offset 0 on, where it has no records, but it has some from offset ${at} on`
    : `is read from page 1 on, but page ${at} has records that are not on page 1`;
  const fix = ifEmpty
    ? `${WRITERS_FIXES.start.written}${at}.`
    : `${WRITERS_FIXES.start.written}${at}, or to 1 where page ${at} is none of its pages.`;
  return new TerminalError("config_invalid", `${provider}: ${name} ${what}.`, { fix });
}
