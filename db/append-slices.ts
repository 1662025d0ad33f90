import { type Kysely, sql } from "kysely";
import type { Window } from "../core/slices.ts";
import type { Database } from "./schema.ts";

export interface NewSlice {
  stage: 0 | 1;
  window: Window;
  label: string;
}

/** Of an entity, behind those that are there. */
export async function appendSlices(
  trx: Kysely<Database>,
  planId: string,
  entity: { entityKey: string; slices: readonly NewSlice[] },
): Promise<void> {
  for (const slices of jsonOfSlices(entity.slices)) {
    await sql`
      insert into plan_slices (plan_id, slice_no, entity_key, stage, "window", label)
      select ${planId}, coalesce((select max(slice_no) + 1 from plan_slices where plan_id = ${planId}), 0) + (n - 1),
             ${entity.entityKey}, (slice ->> 'stage')::smallint, slice -> 'window', slice ->> 'label'
      from jsonb_array_elements(${slices}::jsonb) with ordinality as given (slice, n)`.execute(trx);
  }
}

/** Of one statement. Slices may hold the names of millions of files, and jsonb has at most 256 MiB. */
const MOST_JSON = 4 * 1024 * 1024;

/** As lists in JSON, each of at least one slice. */
function* jsonOfSlices(slices: readonly NewSlice[]): Generator<string, void> {
  let texts: string[] = [];
  let length = 0;
  for (const slice of slices) {
    const text = JSON.stringify(slice);
    if (texts.length > 0 && length + text.length > MOST_JSON) {
      yield `[${texts.join(",")}]`;
      texts = [];
      length = 0;
    }
    texts.push(text);
    length += text.length;
  }
  if (texts.length > 0) yield `[${texts.join(",")}]`;
}
