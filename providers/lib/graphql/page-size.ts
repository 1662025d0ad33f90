/** How much a query asks for. */
export interface PageSize {
  /** Objects. */
  first: number;
  /** Of each connection within an object; absent where the query has none. */
  inner?: number;
  /** Of each connection within the elements of those. */
  nested?: number;
}

/** Most objects have no more children than this, and what they do not have is reserved in vain. */
const FEW_CHILDREN = 3;
/** A page of fewer objects costs more in requests than the rest of long lists does. */
const FEW_OBJECTS = 10;

/**
 * What to ask for where so much costs too much: the innermost lists get smaller before what has them. Lists down to a few, then pages down to a few, then
 * lists down to one, and the last are pages. Null: nothing smaller is there.
 * @param times how often the cost exceeds what is allowed
 */
export function smallerPage(size: PageSize, times: number): PageSize | null {
  return (
    less(size, "nested", FEW_CHILDREN, times) ??
    less(size, "inner", FEW_CHILDREN, times) ??
    less(size, "first", FEW_OBJECTS, times) ??
    less(size, "nested", 1, times) ??
    less(size, "inner", 1, times) ??
    less(size, "first", 1, times)
  );
}

function less(size: PageSize, name: keyof PageSize, least: number, times: number): PageSize | null {
  const now = size[name];
  if (now === undefined || now <= least) return null;
  return { ...size, [name]: Math.max(least, Math.min(now - 1, Math.floor(now / times))) };
}
