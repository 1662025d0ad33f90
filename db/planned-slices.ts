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
  /** Of the entity that carries the slice; with `readSpec`, the slice is read by that instead. */
  spec: Spec;
  readSpec: Spec | null;
  target: Target;
  childOf: string | null;
  /** What was looked at when the entity was planned. */
  evidence: Record<string, unknown>;
  /** The other entities that the slice loads, in the order of the plan. */
  members: PlannedMember<Target>[];
}

export interface PlannedMember<Target = unknown> {
  entityKey: string;
  childOf: string | null;
  target: Target;
}

/** @throws NoResultError where the plan does not have the slice */
export async function readPlannedSlice<Spec, Target>(
  db: Db,
  planId: string | null,
  sliceNo: number,
): Promise<PlannedSlice<Spec, Target>> {
  const slice = await db
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
      "e.readSpec",
      "e.childOf",
      "e.target",
      "e.evidence",
    ])
    .where("s.planId", "=", planId)
    .where("s.sliceNo", "=", sliceNo)
    .$castTo<Omit<PlannedSlice<Spec, Target>, "members">>()
    .executeTakeFirstOrThrow();
  return { ...slice, members: await readMembers<Target>(db, slice.planId, slice.entityKey) };
}

/** The entities that are loaded by the slices of another, in the order of the plan; none of an entity that is loaded by itself. */
export async function readMembers<Target>(db: Db, planId: string, leadKey: string): Promise<PlannedMember<Target>[]> {
  return db
    .selectFrom("planEntities")
    .select(["entityKey", "childOf", "target"])
    .where("planId", "=", planId)
    .where("leadKey", "=", leadKey)
    .where("reasonCode", "is", null)
    .orderBy("ordinal")
    .$castTo<PlannedMember<Target>>()
    .execute();
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
