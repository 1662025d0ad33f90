import type { FinishRequest } from "../destination.ts";
import type { Session } from "../session.ts";
import { buildKey, keyStatements, parentKeyStatement } from "../tables/late-key.ts";
import { readShape, type TableShape } from "../tables/table-shape.ts";
import { type Finisher, NOTHING_WRITTEN } from "./finisher.ts";
import { goneMeanwhile, refuseOlderPlan } from "./reconcile.ts";

/** The rows of a first load get their key: the long part while the table is read, the short one with it locked. */
export const addKey: Finisher<"first_load"> = {
  async prepare(session, request) {
    await readShapes(session, request);
    await buildKey(session, request);
  },
  async apply(session, request) {
    const { target } = request;
    const shapes = await readShapes(session, request);
    const [, adopt] = keyStatements(leafOf(request), target.keyColumns);
    if (shapes.leaf.keyConstraint === null) await session.client.query(adopt);
    if (shapes.table.keyConstraint === null) await session.client.query(parentKeyStatement(target, target.keyColumns));
    return NOTHING_WRITTEN;
  },
};

async function readShapes(session: Session, request: FinishRequest): Promise<Record<"table" | "leaf", TableShape>> {
  const [table, leaf] = [await readShape(session, request.target), await readShape(session, leafOf(request))];
  if (table !== null && leaf !== null) return { table, leaf };
  await refuseOlderPlan(session, request);
  throw goneMeanwhile(request.target);
}

function leafOf({ target }: FinishRequest): { schema: string; table: string } {
  return { schema: target.leafSchema, table: target.leafTable };
}
