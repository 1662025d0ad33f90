import type { Access } from "./access.ts";
import type { FeedQuirks } from "./delta.ts";
import type { DownloadState } from "./downloads.ts";
import type { UnitBudget } from "./units.ts";

/** What is not in the store: how the service behaves now. */
export interface GraphState {
  access: Access;
  quirks: FeedQuirks;
  /** Most items of a page, whatever a request asks for. */
  pageLimit: number;
  units: UnitBudget;
  download: DownloadState;
  /** Files that somebody holds. */
  locks: Set<number>;
  goneDrives: Set<string>;
  /** Delta tokens that were refused so far. */
  resyncs: number;
  seenAssertions: Set<string>;
  /** As PEM: the one that the app may sign its login with. */
  certificate: string | null;
}
