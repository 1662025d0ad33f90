import type { ClaimRequest, SliceTable } from "../destination.ts";

/** One table of a slice, as those parts that know of one table alone take it. */
export type TableRequest = ClaimRequest &
  Pick<SliceTable, "childOf" | "parentKeyCount"> & { isMember: boolean; stageName: string };
