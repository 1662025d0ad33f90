import type { LoadMode } from "../../core/vocabulary.ts";
import { appendEvent } from "./append-event.ts";
import { appendSnapshot } from "./append-snapshot.ts";
import { deleteInsert } from "./delete-insert.ts";
import type { Mode } from "./mode.ts";
import { replace } from "./replace.ts";
import { scd2 } from "./scd2.ts";
import { upsert } from "./upsert.ts";
import { upsertSoftDelete } from "./upsert-soft-delete.ts";

/** What each load mode does at the destination. */
export const MODES: Record<LoadMode, Mode> = {
  append_event: appendEvent,
  append_snapshot: appendSnapshot,
  upsert,
  upsert_soft_delete: upsertSoftDelete,
  delete_insert: deleteInsert,
  replace,
  scd2,
};
