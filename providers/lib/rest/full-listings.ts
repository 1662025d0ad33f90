import { TerminalError } from "../../../core/errors.ts";
import type { ListedPage } from "./listing.ts";
import type { Position } from "./position.ts";
import { formatOf } from "./resource.ts";
import type { Resource } from "./resources.ts";
import type { Span } from "./steps.ts";
import { asksForWindow } from "./templates.ts";
import { parseInstant } from "./time-format.ts";

/**
 * Vendors that give no more than so many records in one listing, such as Shopify's 25,000. What lies behind them is reached with smaller
 * pieces of the window.
 */

/** The source refuses to give more of a listing: whoever asks throws it, and smaller pieces of the window are read. */
export class ListingFullError extends TerminalError {}

/** A piece of a window. `isCut`: it does not end where the window is usually cut, so a checkpoint has to say where. */
export interface Piece extends Span {
  isCut?: true;
}

export function placeOf({ from, to, isCut }: Piece): Pick<Position, "step" | "until"> {
  return { step: from, ...(isCut ? { until: to } : {}) };
}

/** Those that are left for a read that stopped at `position`. */
export function stepsFrom(steps: readonly Span[], { step: at, until }: Position): Piece[] {
  if (until === undefined) return steps.filter(({ from }) => at === null || (from ?? 0) >= at);
  const left = steps.filter(({ to }) => to === null || at === null || to > at);
  const [first, ...others] = left;
  const rest: Piece[] =
    first === undefined || until === null || until === first.to ? [] : [{ from: until, to: first.to, isCut: true }];
  return [{ from: at, to: until, isCut: true }, ...rest, ...others];
}

const A_SECOND = 1_000;
/** Before it no vendor has records, where the declaration does not say. */
const EARLIEST = Date.UTC(2000, 0);

/** @param options.listed records that the listing had before it was resumed */
export function watchFullness(
  resource: Resource,
  piece: Piece,
  { listed = 0, now }: { listed?: number | undefined; now: number },
) {
  const { mostRecords, incremental } = resource;
  let records = listed;
  let last: number | null = null;

  function smaller(mayRestart: boolean): Piece[] | null {
    // What cannot be asked for in windows is as full in each of them.
    const isCuttable = mayRestart && incremental !== undefined && asksForWindow(resource);
    const cut = isCuttable ? cutAt(piece, { last, now, incremental }) : null;
    if (cut === null) return null;
    const rest: Piece = { from: cut, to: piece.to, isCut: true };
    // Of a listing in the order of the cursor, everything before the last record is read.
    return last === cut ? [rest] : [{ from: piece.from, to: cut, isCut: true }, rest];
  }

  return {
    /**
     * @returns the pieces to read in place of what is left of this listing; null where it is not full
     * @throws TerminalError source_response_invalid where it is and cannot be made smaller
     */
    async afterPage({ records: page }: ListedPage, mayRestart: boolean): Promise<Piece[] | null> {
      if (mostRecords === undefined) return null;
      records += page.count;
      if (incremental?.ordering === "asc") {
        const dated = { ...piece, field: incremental.cursorField, format: formatOf(incremental) };
        last = (await page.datesWithin(dated)).ends?.last ?? last;
      }
      if (records < mostRecords) return null;
      const pieces = smaller(mayRestart);
      if (pieces === null) throw incremental === undefined ? cannotBeCut(resource) : tooMany(resource, mostRecords);
      return pieces;
    },
    /** As `afterPage`, where the source itself says that the listing is full. @throws ListingFullError that it is */
    afterRefusal(error: ListingFullError, mayRestart: boolean): Piece[] {
      const pieces = smaller(mayRestart);
      if (pieces === null) throw incremental === undefined ? cannotBeCut(resource, error) : error;
      return pieces;
    },
    said: (): Pick<Position, "listed"> => (mostRecords === undefined ? {} : { listed: records }),
  };
}

/** @returns null where no instant lies within the piece */
function cutAt(
  { from, to }: Span,
  { last, now, incremental }: { last: number | null; now: number; incremental: NonNullable<Resource["incremental"]> },
): number | null {
  const start = from ?? parseInstant(incremental.initial, "iso8601") ?? EARLIEST;
  const end = to ?? Math.max(now, start + 2 * A_SECOND);
  if (last !== null && last > start && last < end) return last;
  const middle = Math.floor((start + end) / 2 / A_SECOND) * A_SECOND;
  return middle > start && middle < end ? middle : null;
}

function cannotBeCut({ provider, name }: Resource, cause?: Error): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `${provider}: the source gives no more of ${name} in one listing, and it cannot be asked for in smaller windows. There may be others.`,
    { fix: "Take the entity out of the sync.", ...(cause === undefined ? {} : { cause }) },
  );
}

function tooMany({ provider, name }: Resource, most: number): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `${provider}: the source gives at most ${most} records of ${name} in one listing, and a window with more of them cannot be made smaller.`,
    {
      fix: "Bind the entity with a primary key and its cursor, or look why so many records changed in the same second.",
    },
  );
}
