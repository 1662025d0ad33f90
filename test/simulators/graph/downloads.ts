import type { VendorAnswer, VendorRequest, VendorTools } from "../vendor.ts";
import { graphIdOf, presentItem } from "./present-drive-items.ts";
import { contentOf, driveOf, ITEMS, type StoredItem } from "./tree.ts";

/** How long a download address lasts, by the vendor's clock. */
const LIFETIME_SECONDS = 3_600;

export interface DownloadState {
  /** Addresses of earlier epochs are refused. */
  epoch: number;
  /** A Range is left unread, and the whole file comes: that is allowed. */
  ignoresRange: boolean;
}

interface Ticket {
  item: number;
  epoch: number;
  until: number;
}

/** An address of the file that needs no credentials, for a short time. */
export function downloadUrl(item: StoredItem, { filesUrl, clock }: VendorTools, { epoch }: DownloadState): string {
  const ticket: Ticket = { item: item.id, epoch, until: clock.now() + LIFETIME_SECONDS * 1_000 };
  const text = Buffer.from(JSON.stringify(ticket)).toString("base64url");
  return `${filesUrl}/download.aspx?UniqueId=${graphIdOf(driveOf(item.id), item.id)}&Translate=false&tempauth=${text}`;
}

/** https://learn.microsoft.com/graph/api/driveitem-get-content#partial-range-downloads */
export function answerDownload(
  { query, headers, method }: VendorRequest,
  { store, clock }: VendorTools,
  { epoch, ignoresRange }: DownloadState,
): VendorAnswer {
  if (method !== "GET") return refused(405);
  // The address is the credential. Whoever sends the access token along shows it to a host that it is not for.
  if (headers.authorization !== undefined) return refused(401);
  const ticket = JSON.parse(
    Buffer.from(query.get("tempauth") ?? "", "base64url").toString() || "{}",
  ) as Partial<Ticket>;
  const isOver = !(Number(ticket.until) > clock.now()) || ticket.epoch !== epoch;
  if (isOver) return refused(Number(ticket.item) % 2 === 0 ? 401 : 403);
  const item = store.find(ITEMS, Number(ticket.item)) as StoredItem | undefined;
  if (item === undefined) return refused(404);
  const bytes = contentOf(item);
  const etag = String(presentItem(store, item).eTag);
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined && ifMatch !== etag && ifMatch !== "*") return refused(412);
  const own = {
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(item.name)}`,
    ...{ etag, "accept-ranges": "bytes", "last-modified": new Date(String(item.updated_at)).toUTCString() },
  };
  const ifRange = headers["if-range"];
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
  if (range === null || ignoresRange || (ifRange !== undefined && ifRange !== etag))
    return { status: 200, headers: own, body: bytes };
  const from = Number(range[1]);
  const to = Math.min(range[2] === "" ? bytes.length - 1 : Number(range[2]), bytes.length - 1);
  if (from > to) return { status: 416, headers: { ...own, "content-range": `bytes */${bytes.length}` }, body: "" };
  const part = { "content-range": `bytes ${from}-${to}/${bytes.length}` };
  return { status: 206, headers: { ...own, ...part }, body: bytes.subarray(from, to + 1) };
}

function refused(status: number): VendorAnswer {
  return { status, headers: { "content-type": "text/html" }, body: `<html><body>${status}</body></html>` };
}
