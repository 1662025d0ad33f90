import { createHash } from "node:crypto";
import type { CursorTail } from "../core/digests.ts";
import type { BindingRow } from "../db/bindings.ts";
import type { ConnectionRow } from "../db/connections.ts";
import { type CursorState, FEED_EXPIRED_ACTOR } from "../db/cursor-states.ts";
import type { EntityPlan, EntitySchema } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { UNKNOWN_FILES } from "./file-manifest.ts";
import { addressOf } from "./frozen-settings.ts";

/** Where the reading begins of what tells its changes: at the state, or, where that is of no use any more, with everything there is. */

/** `createdBy` of a state whose token is another account's. It is stored nowhere. */
const FOREIGN_TOKEN = "system:foreign_token";
/** Of one whose files were read by other settings. It is stored nowhere either. */
const FILES_READ_OTHERWISE = "system:files_read_otherwise";

/** Names whom a token is from: another connection, or another address, may be another account. */
export function feedOriginOf(
  deps: Pick<ActivityDeps, "findProvider">,
  { id, provider, config }: Pick<ConnectionRow, "id" | "provider" | "config">,
): string {
  return createHash("sha256")
    .update(JSON.stringify([id, addressOf(deps, provider, config)]))
    .digest("base64url");
}

/**
 * The cursor state as this connection and sync may use it: without a token that another connection was given, and without a list of files that
 * were read by other settings.
 */
export function usableState(
  state: CursorState | null,
  { changeFeed, filesAs }: Pick<EntitySchema, "changeFeed" | "filesAs">,
  feedOrigin: string,
): CursorState | null {
  if (state === null || state.cursor === null) return state;
  const without = (createdBy: string): CursorState => ({ ...state, cursor: null, createdBy });
  const { feedOf = feedOrigin, filesAs: before = filesAs } = state.tail ?? {};
  if (changeFeed && feedOf !== feedOrigin) return without(FOREIGN_TOKEN);
  return filesAs !== undefined && before !== filesAs ? without(FILES_READ_OTHERWISE) : state;
}

/**
 * A feed without a token, or files without a manifest, whose entity was loaded before: what was deleted meanwhile is told by nobody, and only a
 * complete scan finds it.
 */
export function needsResync(
  { changeFeed, files }: Pick<EntitySchema, "changeFeed" | "files">,
  { frozenAt }: Pick<BindingRow, "frozenAt">,
  cursor: string | null,
): boolean {
  return (changeFeed === true || files === true) && cursor === null && frozenAt !== null;
}

/** For people, why all of an entity is read again; null where nothing was read before. */
export function tellResync(
  { entityKey, files }: Pick<EntitySchema, "entityKey" | "files">,
  state: CursorState | null,
): string | null {
  if (state === null || state.cursor !== null) return null;
  const reasons: Record<string, string> = {
    [FEED_EXPIRED_ACTOR]: "the source does not accept the token of its change feed any more",
    [FOREIGN_TOKEN]: "the token of its change feed is from another connection or address",
    [FILES_READ_OTHERWISE]: "the settings by which its files are read have changed",
    [UNKNOWN_FILES]: "nothing says which files are in its table, which is another one or was made anew",
    "system:destination_set_back": "the destination lacks rows that were loaded before",
  };
  const why =
    reasons[state.createdBy ?? ""] ?? (files ? "its state was reset" : "the token of its change feed was reset");
  return `${entityKey} is read as a whole: ${why}. Its rows stay meanwhile, and those that the source does not have any more go at the end.`;
}

/** What is kept with the cursor state that the plan leads to. @param loadedAs how the rows are loaded */
export function plannedTail(
  { tail }: EntityPlan,
  { changeFeed, filesAs }: Pick<EntitySchema, "changeFeed" | "filesAs">,
  of: { loadedAs: string; feedOrigin: string },
): { tail?: CursorTail } {
  const kept: CursorTail = {
    ...(tail ? { ...tail, loadedAs: of.loadedAs } : {}),
    ...(changeFeed ? { feedOf: of.feedOrigin } : {}),
    ...(filesAs === undefined ? {} : { filesAs }),
  };
  return Object.keys(kept).length === 0 ? {} : { tail: kept };
}
