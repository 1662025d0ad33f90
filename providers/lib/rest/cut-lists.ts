import { isProviderError, TerminalError } from "../../../core/errors.ts";
import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord } from "../../batch.ts";
import { isObject, type JsonObject, parseJson } from "../http/json.ts";
import { ListingFullError } from "./full-listings.ts";
import { readListing } from "./listing.ts";
import type { CutList, WantedChild } from "./page-records.ts";
import { pageValueOf } from "./page-value.ts";
import type { ReadContext } from "./pages.ts";
import { refuseParent } from "./parent-values.ts";
import { readAhead } from "./read-ahead.ts";
import type { Resource } from "./resources.ts";
import { type EncodedRows, encodeRows } from "./row-list.ts";
import { reject } from "./rows.ts";
import { selectOne } from "./selector.ts";
import { createSightings } from "./sightings.ts";

/** The list of one parent is longer than what the source gives of a list: page by page nobody can read it whole. */
export class ListTooLongError extends TerminalError {}

/** A child as one slice reads it. */
export interface ReadChild {
  resource: Resource;
  wanted: WantedChild;
}

/** The children of one parent. */
export interface ReadList {
  /** Index of the child. */
  child: number;
  pieces: (Cells[] | EncodedRows)[];
  rows: number;
  /** Of their text, about. */
  bytes: number;
  rejects: RejectedRecord[];
  deletes: Cells[];
  /** Null: some may be missing, so that nothing is deleted for not being there. */
  set: Cells | null;
}

/** Of the text of one parent's children: they are committed together. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Parents that are asked about at once. */
const AT_ONCE = 4;

/**
 * Reads the rest of lists that the records of a page do not have whole, one parent after the other.
 * @throws ProviderError
 */
export function readCutLists(
  context: Pick<ReadContext, "client" | "demand">,
  lists: readonly CutList[],
  children: readonly ReadChild[],
): AsyncGenerator<ReadList, void, undefined> {
  async function* each() {
    for (const list of lists) {
      const child = children[list.child];
      if (child !== undefined) yield readOne(context, list, child);
    }
  }
  return readAhead(each(), AT_ONCE);
}

async function* readOne(
  context: Pick<ReadContext, "client" | "demand">,
  list: CutList,
  child: ReadChild,
): AsyncGenerator<ReadList, void, undefined> {
  const { resource, wanted } = child;
  const { more } = wanted.nested;
  const parent = objectIn(list.parent);
  const first: ReadList = {
    ...{ child: list.child, pieces: [list.rows], rows: list.rows.length, bytes: 0 },
    ...{ rejects: [...list.rejects], deletes: [...list.deletes], set: null },
  };
  if (more?.isListed !== true) {
    if (context.demand === "proof") throw unlisted(resource);
    return yield first;
  }
  const refusal = refuseParent(resource, parent);
  if (refusal !== null) return yield refused(first, parent, refusal);
  try {
    const read = await readRest(context, parent, { list: first, child });
    const isWhole = resource.paging.provesEnd && !read.stopped && read.list.rejects.length === 0;
    yield { ...read.list, set: isWhole ? list.set : null };
  } catch (error) {
    if (error instanceof ListingFullError) throw tooLong(resource, "no more", error);
    if (!isNotFound(error)) throw error;
    // It went away after its record was listed. Its deletion is told by its own record.
    yield refused(first, parent, "The source no longer finds this parent, of which the record has only some.");
  }
}

async function readRest(
  { client, demand }: Pick<ReadContext, "client" | "demand">,
  parent: JsonObject,
  { list: first, child: { resource, wanted } }: { list: ReadList; child: ReadChild },
): Promise<{ list: ReadList; stopped: boolean }> {
  const { nested } = wanted;
  const after = nested.more?.after === undefined ? null : pageValueOf(selectOne(parent, nested.more.after));
  let list = after === null ? empty(first) : first;
  let stopped = false;
  const listing = readListing({
    ...{ client, resource, values: { start: null, end: null, parent }, from: after, mayRestart: true },
    // The rows that are not listed will be deleted.
    demand: resource.paging.provesEnd ? "proof" : demand,
    sightings: createSightings(),
  });
  for await (const { token, records, stop } of listing) {
    // Read anew, it has all of them.
    if (token === null) list = empty(first);
    const view = { dated: null, parent: { record: parent, fields: nested.fields } };
    const page = await records.rows(view, { ...wanted, newest: null });
    records.letGo();
    stopped ||= stop;
    list.pieces.push(...page.pieces.map((piece) => (Array.isArray(piece) ? encodeRows(piece) : piece)));
    list.rows += page.rows;
    list.bytes += page.bytes;
    list.rejects.push(...page.rejects);
    list.deletes.push(...(page.marks?.deletes ?? []));
    if (list.bytes > MOST_BYTES) throw tooLarge(resource);
    const { mostRecords } = resource;
    // What lies behind the last one would count as deleted.
    if (mostRecords !== undefined && list.rows + list.rejects.length + list.deletes.length >= mostRecords)
      throw tooLong(resource, `at most ${mostRecords}`);
  }
  return { list, stopped };
}

function empty({ child }: ReadList): ReadList {
  return { child, pieces: [], rows: 0, bytes: 0, rejects: [], deletes: [], set: null };
}

function refused(list: ReadList, parent: JsonObject, reason: string): ReadList {
  return { ...list, rejects: [...list.rejects, reject(parent, { column: null, reason })] };
}

function objectIn(text: string): JsonObject {
  const value = parseJson(text);
  return isObject(value) ? value : {};
}

function isNotFound(error: unknown): boolean {
  return isProviderError(error) && error.reasonCode === "source_resource_not_found";
}

function unlisted({ provider, name }: Resource): TerminalError {
  return new TerminalError(
    "config_invalid",
    `${provider}: the source cuts a list of ${name}, of which the rest cannot be read, and this load removes rows that are not listed. Nothing was removed.`,
    { fix: "Choose loadMode upsert in the table binding." },
  );
}

function tooLong({ provider, name }: Resource, most: string, cause?: Error): ListTooLongError {
  return new ListTooLongError(
    "source_response_invalid",
    `${provider}: the source gives ${most} of the ${name} of one parent, so there may be others, and the list counts only when it is whole.`,
    {
      fix: "Let the connection use the source's export jobs, where it has some; otherwise take the entity out of the sync.",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function tooLarge({ provider, name }: Resource): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `${provider}: one parent has ${name} of more than ${MOST_BYTES / 1024 / 1024} MiB, and they are committed together.`,
    { fix: "Take the entity out of the sync, or read fewer of its columns." },
  );
}
