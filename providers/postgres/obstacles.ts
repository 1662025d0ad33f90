import { DatabaseError } from "pg";
import { TerminalError } from "../../core/errors.ts";
import type { Obstacle, Relation } from "./catalog.ts";

/** What the catalog says of relations that exist and cannot be read. */
export const OBSTACLES: Record<Obstacle, { description: string; remedy(relation: Relation): string }> = {
  unpopulated: {
    description: "It has never been populated.",
    remedy: ({ sql }) => `Run \`refresh materialized view ${sql}\` at the source, then retry.`,
  },
  no_handler: {
    description: "Its foreign-data wrapper has no handler, so that nobody can read it.",
    remedy: () => "Give the foreign-data wrapper a handler at the source, or take the entity out of the sync.",
  },
  unlogged_on_standby: {
    description: "It is unlogged, and a standby does not have the rows of unlogged tables.",
    remedy: () => "Connect to the primary, or take the entity out of the sync.",
  },
};

/** @returns null where the catalog knows of nothing in the way */
export function findObstacle(relation: Relation): TerminalError | null {
  if (relation.failure !== undefined) return relation.failure;
  if (relation.obstacle === null) return null;
  const { description, remedy } = OBSTACLES[relation.obstacle];
  return new TerminalError("source_object_invalid", `postgres: ${relation.entityKey} cannot be read. ${description}`, {
    fix: remedy(relation),
  });
}

/** A view is read with its owner's privileges: to grant the user more would not help. */
export function explainRefusal(error: TerminalError, { readsAs, entityKey }: Relation): TerminalError {
  const { cause, reasonCode } = error;
  if (readsAs === null || reasonCode !== "source_permission_denied" || !(cause instanceof DatabaseError)) return error;
  return new TerminalError(
    reasonCode,
    `postgres: view ${entityKey} cannot be read: ${cause.message} (SQLSTATE ${cause.code}).`,
    { cause, fix: `Grant its owner ${readsAs} the privilege, then retry.` },
  );
}
