import type { ClaimRequest, SliceTable } from "../destination.ts";
import { STAGE } from "./staging.ts";

/** One table of a slice, as those parts that know of one table alone take it. */
export type TableRequest = ClaimRequest &
  Pick<SliceTable, "childOf" | "parentKeyCount"> & { isMember: boolean; stageName: string };

/** @param index of the table among those of the slice */
export function requestOf(request: ClaimRequest, table: SliceTable, index: number): TableRequest {
  const { members: _, ...slice } = request;
  return { ...slice, ...table, isMember: index > 0, stageName: index === 0 ? STAGE : `${STAGE}_${index}` };
}
