import type { Window } from "../core/slices.ts";
import type { Db } from "./client.ts";

/** One slice of a plan, with how its entity is read and where it goes, as the provider and the destination have said. */
export interface PlannedSlice<Spec = unknown, Target = unknown> {
  planId: string;
  sliceNo: number;
  entityKey: string;
  label: string;
  stage: 0 | 1;
  window: Window;
  spec: Spec;
  target: Target;
  /** What was looked at when the entity was planned. */
  evidence: Record<string, unknown>;
}

/** @throws NoResultError where the plan does not have the slice */
export async function readPlannedSlice<Spec, Target>(
  db: Db,
  planId: string | null,
  sliceNo: number,
): Promise<PlannedSlice<Spec, Target>> {
  return db
    .selectFrom("planSlices as s")
    .innerJoin("planEntities as e", (join) =>
      join.onRef("e.planId", "=", "s.planId").onRef("e.entityKey", "=", "s.entityKey"),
    )
    .select([
      "s.planId",
      "s.sliceNo",
      "s.entityKey",
      "s.label",
      "s.stage",
      "s.window",
      "e.spec",
      "e.target",
      "e.evidence",
    ])
    .where("s.planId", "=", planId)
    .where("s.sliceNo", "=", sliceNo)
    .$castTo<PlannedSlice<Spec, Target>>()
    .executeTakeFirstOrThrow();
}

/** @throws NoResultError where the plan does not have the entity */
export async function readPlannedTarget<Target>(
  db: Db,
  planId: string | null,
  entityKey: string,
): Promise<{ planId: string; target: Target }> {
  return db
    .selectFrom("planEntities")
    .select(["planId", "target"])
    .where("planId", "=", planId)
    .where("entityKey", "=", entityKey)
    .$castTo<{ planId: string; target: Target }>()
    .executeTakeFirstOrThrow();
}
