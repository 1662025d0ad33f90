/** JSON that is written into an answer as Postgres made it: megabytes that nobody here looks into need not become objects. */

class EmbeddedJson {
  readonly parts: readonly string[];
  constructor(parts: readonly string[]) {
    this.parts = parts;
  }
}

/** No text of an answer holds it, since Postgres stores no NUL. */
const MARK = "\0";
const WRITTEN_MARK = JSON.stringify(MARK);

/**
 * What stands for a value of which only the JSON is there.
 * @param parts JSON of a `T`
 * @returns no `T` at all: it is for `writeJson` alone
 */
export function embed<T>(parts: readonly string[]): T {
  const standIn: unknown = new EmbeddedJson(parts);
  return standIn as T;
}

/** @returns the JSON of `value` in parts, so that large ones are not copied to be put together */
export function writeJson(value: unknown): string[] {
  const embedded: (readonly string[])[] = [];
  const written = JSON.stringify(value, (_key, each: unknown) => {
    if (!(each instanceof EmbeddedJson)) return each;
    embedded.push(each.parts);
    return MARK;
  });
  return written.split(WRITTEN_MARK).flatMap((part, index) => [part, ...(embedded[index] ?? [])]);
}
