import { createSemaphore } from "../core/semaphore.ts";
import type { EntityWork } from "../core/slices.ts";
import type { ExecutionMode } from "../core/vocabulary.ts";

/**
 * Runs the slices of all entities in the order that the execution mode allows. `runSlice` and `finishEntity` say by their
 * answer whether the entity goes on; neither throws but for cancellation.
 *
 * sequential: one slice at a time. fan_out_entity: entities side by side, each one's slices in turn. fan_out_window: all
 * slices side by side. Always at most `maxConcurrency`, after the entities it depends on, stage 1 after stage 0.
 */
export async function fanOut(
  entities: readonly EntityWork[],
  options: { mode: ExecutionMode; maxConcurrency: number },
  work: {
    runSlice(entity: EntityWork, slice: EntityWork["slices"][number]): Promise<boolean>;
    finishEntity(entity: EntityWork): Promise<void>;
  },
): Promise<void> {
  const permits = createSemaphore(options.mode === "sequential" ? 1 : options.maxConcurrency);
  const ended = new Map<string, Promise<void>>();

  const runStage = async (entity: EntityWork, stage: 0 | 1): Promise<boolean> => {
    const slices = entity.slices.filter((slice) => slice.stage === stage);
    const run = (slice: EntityWork["slices"][number]) => permits.use(() => work.runSlice(entity, slice));
    if (options.mode === "fan_out_window") return (await settleAll(slices.map(run))).every(Boolean);
    for (const slice of slices) if (!(await run(slice))) return false;
    return true;
  };
  const runEntity = async (entity: EntityWork): Promise<void> => {
    await Promise.all(entity.dependsOn.map((key) => ended.get(key)));
    if ((await runStage(entity, 0)) && (await runStage(entity, 1))) await permits.use(() => work.finishEntity(entity));
  };

  if (options.mode === "sequential") {
    for (const entity of entities) await runEntity(entity);
    return;
  }
  for (const entity of entities) ended.set(entity.entityKey, runEntity(entity));
  await settleAll([...ended.values()]);
}

/** Waits for all before it throws the first failure: on cancellation every activity is drained first. */
async function settleAll<T>(promises: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
