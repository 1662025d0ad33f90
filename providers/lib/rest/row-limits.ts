import type { RejectedRecord } from "../../batch.ts";
import { BodyLimitError } from "../http/body-limit.ts";

/** Of one page, and three times what its body has. A page is loaded as a whole, so its rows are in memory until they are. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Each is kept with its record and its reason. */
const MOST_REJECTS = 50_000;

/**
 * A page of `{}` with 500 columns has a thousand times its own size in NULLs.
 * @throws BodyLimitError
 */
export function limitRows(
  { bytes, rejects }: { bytes: number; rejects: readonly RejectedRecord[] },
  bodyBytes: number,
): void {
  const mostBytes = MOST_BYTES + 3 * bodyBytes;
  if (bytes > mostBytes) throw new BodyLimitError(`makes rows of more than ${Math.floor(mostBytes / 1024 / 1024)} MiB`);
  const [first] = rejects;
  if (rejects.length <= MOST_REJECTS || first === undefined) return;
  const most = MOST_REJECTS.toLocaleString("en-US");
  throw new BodyLimitError(`has more than ${most} records that are no rows, the first of them since: ${first.reason}`);
}
