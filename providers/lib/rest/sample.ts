import { isObject, type JsonObject } from "../http/json.ts";
import { parentColumnPath } from "./column-names.ts";
import type { TakenRecords, WantedRecords } from "./page-records.ts";
import { type ReadContext, readPages, type Take } from "./pages.ts";
import { START } from "./position.ts";
import type { Resource } from "./resources.ts";
import { type Span, spanOf } from "./steps.ts";
import { parseDuration } from "./time-format.ts";

const MAX_RECORDS = 300;
const MAX_PAGES = 3;
/** Most parents may have nothing. */
const MAX_EMPTY_PAGES = 20;

/**
 * Records to tell types from, of `mostPages` pages that have some. Where windows are small: of the newest piece; when that has none, of the
 * first; then of the newest ones.
 */
export async function sampleRecords(
  context: ReadContext,
  resource: Resource,
  mostPages = MAX_PAGES,
): Promise<JsonObject[]> {
  for (const span of spansToSample(resource, context.now)) {
    const records = await sampleSpan(context, resource, { span, mostPages });
    if (records.length > 0) return records;
  }
  return [];
}

async function sampleSpan(
  context: ReadContext,
  resource: Resource,
  { span, mostPages }: { span: Span; mostPages: number },
): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  let [pages, empty] = [0, 0];
  const take: Take<TakenRecords> = (page, view) => page.take(view, wantedOf(resource, MAX_RECORDS));
  for await (const { taken } of readPages(context, resource, span, START, take)) {
    records.push(...taken.records.filter((record) => isObject(record)));
    if (taken.count > 0) pages += 1;
    else empty += 1;
    if (records.length >= MAX_RECORDS || pages >= mostPages || empty >= MAX_EMPTY_PAGES) break;
  }
  return records.slice(0, MAX_RECORDS);
}

/** What tells keys and times apart is not shortened. */
export function wantedOf({ primaryKey, incremental, parentFields }: Resource, most: number): WantedRecords {
  const cursor = incremental === undefined ? [] : [incremental.cursorField];
  return { most, all: false, keep: [...primaryKey, ...cursor, ...parentFields.map(parentColumnPath)] };
}

function spansToSample({ incremental }: Resource, now: number): Span[] {
  const all = spanOf({ by: "none" }, incremental);
  const step = incremental?.windowStep === undefined ? null : parseDuration(incremental.windowStep);
  if (step === null || all.from === null) return [all];
  return [
    { from: Math.max(all.from, now - step), to: null },
    { from: all.from, to: Math.min(now, all.from + step) },
    { from: Math.max(all.from, now - step * MAX_EMPTY_PAGES), to: null },
  ];
}
