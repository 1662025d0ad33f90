/** Where each text of a list stands first, so that to look thousands of them up does not take the square of that. */

const PLACES = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/** @param list never changed afterwards: what is found is kept for as long as it is there */
export function placesIn(list: readonly string[]): ReadonlyMap<string, number> {
  const known = PLACES.get(list);
  if (known) return known;
  const places = new Map<string, number>();
  for (const [place, text] of list.entries()) if (!places.has(text)) places.set(text, place);
  PLACES.set(list, places);
  return places;
}
