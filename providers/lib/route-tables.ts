import type { Source } from "../provider.ts";

/** What of a source is about tables: a kit gives it, and `check`, `probe` and `close` are the connector's. */
export type TableSource = Pick<Source, "discover" | "plan" | "read">;

/**
 * One of two kits that have the tables of a connector between them.
 * @param has is it a table of `own`? All others are of `others`.
 */
export function routeTables(own: TableSource, has: (entityKey: string) => boolean, others: TableSource): TableSource {
  const of = (entityKey: string): TableSource => (has(entityKey) ? own : others);
  return {
    async discover(keys, known, named) {
      const [ours, theirs] = [keys?.filter(has) ?? null, keys?.filter((key) => !has(key)) ?? null];
      return [
        ...(theirs?.length === 0 ? [] : await others.discover(theirs, known, named)),
        ...(ours?.length === 0 ? [] : await own.discover(ours, known, named)),
      ];
    },
    plan: (request) => of(request.entityKey).plan(request),
    read: (request) => of(request.spec.entityKey).read(request),
  };
}
