import { createReadStream, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * The files of a directory as a bucket of any name, with as little work as a server can do: ListObjectsV2, HEAD and GET with a range. What is small is
 * kept in memory. It says its port, and ends with its standard input. `GET /?counts` says how many requests there were, by their kind; it does not
 * count itself.
 */

const SMALL_BYTES = 64 * 1024;
const PAGE = 1000;

interface Entry {
  size: number;
  etag: string;
  path: string;
  content: Buffer | null;
}

const [, , directory = ""] = process.argv;
const entries = new Map<string, Entry>();
for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted()) {
  const path = join(directory, name);
  const { size, mtimeMs } = statSync(path);
  if (statSync(path).isDirectory()) continue;
  const etag = `"${size.toString(16)}-${Math.round(mtimeMs).toString(16)}"`;
  entries.set(name, { size, etag, path, content: size <= SMALL_BYTES ? readFileSync(path) : null });
}
const keys = [...entries.keys()];

function list(query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const from = after < prefix ? firstBehind(prefix, true) : firstBehind(after, false);
  const page: string[] = [];
  let at = from;
  for (; at < keys.length && page.length < PAGE; at += 1) {
    const key = keys[at] ?? "";
    if (!key.startsWith(prefix)) break;
    page.push(key);
  }
  const isTruncated = keys[at]?.startsWith(prefix) ?? false;
  const contents = page.map((key) => {
    const { size, etag } = entries.get(key) ?? { size: 0, etag: "" };
    return `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>2026-11-30T00:00:00.000Z</LastModified><ETag>${etag.replaceAll('"', "&quot;")}</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join("")}</ListBucketResult>`;
}

/** By halving. @param isIncluded the key itself counts as behind */
function firstBehind(key: string, isIncluded: boolean): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = keys[middle] ?? "";
    if (found < key || (found === key && !isIncluded)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function give({ size, etag, path, content }: Entry, range: string | undefined, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  response.writeHead(range === undefined ? 200 : 206, {
    ...{ etag, "content-length": size - from, "content-type": "text/csv" },
    ...(range === undefined ? {} : { "content-range": `bytes ${from}-${size - 1}/${size}` }),
  });
  if (content !== null) response.end(content.subarray(from));
  // Whoever breaks off has its reasons.
  else pipeline(createReadStream(path, { start: from, highWaterMark: 256 * 1024 }), response).catch(() => undefined);
}

const counts: Record<string, number> = {};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  if (searchParams.has("counts")) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(counts));
    return;
  }
  const kind = searchParams.has("list-type") ? "list" : String(request.method);
  counts[kind] = (counts[kind] ?? 0) + 1;
  if (searchParams.has("list-type")) {
    response.writeHead(200, { "content-type": "application/xml" }).end(list(searchParams));
    return;
  }
  const entry = entries.get(decodeURIComponent(pathname.split("/").slice(2).join("/")));
  if (entry === undefined) response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
  else if (request.method === "HEAD") response.writeHead(200, { etag: entry.etag, "content-length": entry.size }).end();
  else give(entry, request.headers.range, response);
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.stdin.on("end", () => process.exit(0)).resume();
