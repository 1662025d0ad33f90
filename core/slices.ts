import type { RowHash } from "./digests.ts";

/**
 * Slices and windows: what one activity reads. Bounds are the source's own text, compared only by the source.
 */

/**
 * `none`: all of the entity. `key`: `(from, to]` over an immutable key, one text per key column; null is open-ended.
 * `time`: `[from, to)` over the cursor column, or `(from, to)` with `after`; null is open-ended. A row with a NULL cursor is in no
 * time window. An older version does not know `after` and reads more rows than it must, which is harmless.
 * `hash`: rows whose key's hash ends in `part`, for keys that two servers may order differently; `cast` is what the source
 * makes of a key column first, and `parts` a power of two.
 * `part`: whatever else a provider cuts its work into, such as a batch of files, a report or a drive. Only the provider understands
 * it, so a destination cannot tell which of its rows belong to it.
 */
export type Window =
  | { by: "none" }
  | { by: "key"; columns: string[]; from: string[] | null; to: string[] | null; estimatedRows?: number }
  | { by: "time"; column: string; from: string | null; to: string | null; after?: true; estimatedRows?: number }
  | { by: "hash"; columns: { name: string; cast: string | null }[]; hash: RowHash; part: number; parts: number }
  | { by: "part"; part: Record<string, unknown> };

/** What an entity's slices look like to the workflow: numbers only, so that history holds no data. */
export interface EntityWork {
  entityKey: string;
  dependsOn: string[];
  /**
   * Slices that are not done yet, in order. `sliceNo` is unique in the plan. Stage 1 (the catch-up of a complete scan)
   * starts when all of stage 0 are done. `label` is `3/12`, or dates for time windows: no key or cursor value of a person.
   */
  slices: { sliceNo: number; stage: 0 | 1; label: string }[];
  /** Something is left to do for the entity as a whole when all slices are done, such as a swap. */
  swap: boolean;
}

/**
 * A position inside a slice, made and understood by the provider alone but for three fields. Null is the slice's start.
 *
 * `newest`: an RFC 3339 instant, the newest cursor value that was read and does not lie beyond the plan's upper bound. The cursor
 * state goes no further, so that a row which gets the same value later is read.
 * `cursor`: of a change feed that was read to its end, the token that the next run starts from.
 * `job`: the export job at the source that the slice waits for or downloads from.
 */
export type Checkpoint = {
  newest?: string | null | undefined;
  cursor?: string | undefined;
  job?: ExportJob | undefined;
  [key: string]: unknown;
} | null;

/** A job that a source does for one slice, such as an export to a file. */
export interface ExportJob {
  /** The source's own id of it. */
  ref: string;
  /** The provider's word for what kind of job it is. */
  kind: string;
  /** How often the job was made for the slice, this time included. */
  madeTimes: number;
  /** RFC 3339. */
  madeAt: string;
}

/** Most slices in one plan, unless there are more entities: windows widen instead. And most that one execution works on. */
export const MAX_SLICES_PER_PLAN = 500;

/** Of what one execution of a workflow is given to do, as JSON: well below what a payload may have. */
const MAX_WORK_BYTES = 48 * 1024;

/**
 * What of `work` one execution takes on, in order and at least one entity; `more` when something is left for the next one.
 * Entities without anything to do are in no page.
 */
export function firstPage(work: readonly EntityWork[]): { entities: EntityWork[]; more: boolean } {
  const left = work.filter((entity) => entity.slices.length > 0 || entity.swap);
  let slices = 0;
  let bytes = 0;
  const fitting = left.findIndex((entity, index) => {
    slices += entity.slices.length;
    bytes += new TextEncoder().encode(JSON.stringify(entity)).length;
    return index > 0 && (slices > MAX_SLICES_PER_PLAN || bytes > MAX_WORK_BYTES);
  });
  return fitting === -1 ? { entities: left, more: false } : { entities: left.slice(0, fitting), more: true };
}

/**
 * Entities so that each comes after those it depends on; dependencies outside the list do not count, and a cycle is cut
 * at its first member in the given order.
 */
export function inDependencyOrder<T extends { entityKey: string; dependsOn: string[] }>(entities: readonly T[]): T[] {
  const byKey = new Map(entities.map((entity) => [entity.entityKey, entity]));
  const ordered = new Set<T>();
  const visiting = new Set<T>();
  const visit = (entity: T): void => {
    if (ordered.has(entity) || visiting.has(entity)) return;
    visiting.add(entity);
    for (const key of entity.dependsOn) {
      const dependency = byKey.get(key);
      if (dependency) visit(dependency);
    }
    ordered.add(entity);
  };
  for (const entity of entities) visit(entity);
  return [...ordered];
}
