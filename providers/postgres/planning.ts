import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import type { EntityReadSpec, PlanRequest } from "../provider.ts";
import { type Relation, readRelation } from "./catalog.ts";
import type { ConnectionConfig } from "./config.ts";
import { cursorKindOf } from "./cursor-kind.ts";
import { primaryKeyOf, toSourceColumn } from "./discover.ts";
import type { Estimate } from "./estimate.ts";
import type { Cursor } from "./horizon.ts";
import { findObstacle } from "./obstacles.ts";
import { type ReadSpec, readSpecOf } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** The least of all times, which nothing can be subtracted from: everything is read, as without a state. */
export const BEFORE_ALL = "-infinity";

/** What every way of planning an entity works with. */
export interface Planning {
  session: Session;
  request: PlanRequest;
  relation: Relation;
  read: ReadSpec;
}

export async function openPlanning(
  session: Session,
  config: ConnectionConfig,
  request: PlanRequest,
): Promise<{ planning: Planning; cursor: Cursor | null }> {
  const found = await readRelation(session, config, request.entityKey);
  const obstacle = findObstacle(found);
  if (obstacle !== null) throw obstacle;
  const relation = onlyColumns(found, request.columns);
  requireColumns(relation, request);
  const cursor = request.cursorField === null ? null : cursorOf(relation, request.cursorField);
  const key = request.keyColumns.length > 0 ? request.keyColumns : primaryKeyOf(relation);
  return { planning: { session, request, relation, read: readSpecOf(relation, key, cursor) }, cursor };
}

export function specOf({ request, relation, read }: Planning, estimate: Estimate): EntityReadSpec {
  return {
    entityKey: relation.entityKey,
    columns: relation.columns.map(toSourceColumn),
    keyColumns: request.keyColumns,
    cursorField: request.cursorField,
    estimatedRowBytes: estimate.rowBytes,
    source: { ...read },
  };
}

function onlyColumns(relation: Relation, names: string[] | undefined): Relation {
  if (names === undefined) return relation;
  const wanted = new Set(names);
  return { ...relation, columns: relation.columns.filter(({ name }) => wanted.has(name)) };
}

function requireColumns(relation: Relation, request: PlanRequest): void {
  if (relation.columns.length === 0) {
    throw new TerminalError("config_invalid", `postgres: ${relation.entityKey} has no column that can be read.`, {
      fix: "Take the entity out of the sync, or give it columns, then retry.",
    });
  }
  const present = new Set(relation.columns.map((column) => column.name));
  const missing = [...request.keyColumns, ...(request.cursorField === null ? [] : [request.cursorField])].filter(
    (column) => !present.has(column),
  );
  if (missing.length === 0) return;
  const names = [...new Set(missing)].map(escapeIdentifier).join(", ");
  throw new TerminalError(
    "source_schema_breaking_change",
    `postgres: ${relation.entityKey} has no readable column ${names}, which the table binding uses as key or cursor.`,
    { fix: "Correct the binding, then retry." },
  );
}

function cursorOf(relation: Relation, column: string): Cursor {
  const found = relation.columns.find(({ name }) => name === column);
  const type = found?.target ?? "";
  const kind = found ? cursorKindOf(found) : null;
  if (kind !== null) return { column, kind, digits: Number(/\((\d)\)/.exec(type)?.[1] ?? 6) };
  throw new TerminalError(
    "config_invalid",
    `postgres: ${relation.entityKey} cannot use ${escapeIdentifier(column)} as cursor, since it is ${found?.declared ?? type}.`,
    { fix: "Choose a timestamp, date or integer column as cursorField." },
  );
}
