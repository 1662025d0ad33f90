import type { VendorAnswer, VendorRequest, VendorTools } from "./simulator.ts";
import type { Stored } from "./store.ts";

interface ListingOptions {
  pageSize: number;
  /** Query parameters of the window, and of the token of a page. `updated_at` is strictly after the one and before the other. */
  after: string;
  before: string;
  token: string;
}

/**
 * A page of the records that changed in the window that is asked for, the oldest first, as most vendors list them: a token belongs to
 * its query, goes on behind the record that came last, and is refused when it has expired.
 */
export function listChanged(
  records: readonly Stored[],
  { query }: VendorRequest,
  { cursors, show }: VendorTools,
  { pageSize, ...names }: ListingOptions,
): VendorAnswer {
  const window = [query.get(names.after), query.get(names.before)];
  const given = query.get(names.token);
  const state = given === null ? { window, last: null } : (cursors.read(given) as PageState | null);
  if (state === null || JSON.stringify(state.window) !== JSON.stringify(window))
    return { status: 400, body: { error: "the page token has expired" } };
  const [after, before] = window.map((text) => (text == null ? null : Date.parse(text)));
  const listed = records
    .filter(({ updated_at: at }) => {
      const ms = Date.parse(String(at));
      return (after == null || ms > after) && (before == null || ms < before);
    })
    .sort((a, b) => compare(placeOf(a), placeOf(b)))
    .filter((record) => state.last === null || compare(placeOf(record), state.last) > 0);
  const page = listed.slice(0, pageSize);
  const last = page.at(-1);
  const more = listed.length > page.length && last !== undefined;
  const next = more ? cursors.make({ window, last: placeOf(last) } satisfies PageState) : null;
  return { status: 200, body: { data: page.map(show), next } };
}

type Place = [updatedAt: string, id: number];

interface PageState {
  window: (string | null | undefined)[];
  last: Place | null;
}

function placeOf({ updated_at: at, id }: Stored): Place {
  return [String(at), id];
}

function compare(a: Place, b: Place): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1];
}
