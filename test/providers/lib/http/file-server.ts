import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type LocalHttp, type Received, serve } from "./local-http.ts";

export interface FileServer extends LocalHttp {
  /** What it serves from now on. */
  file: Buffer;
  /** Of each request: where its answer began. */
  starts: number[];
}

export interface FileServerOptions {
  /** Bytes after which the connection of each request breaks, in their order; the last one that there is not: never. */
  breaksAfter?: number[];
  etag?: (file: Buffer) => string | null;
  ranges?: boolean;
  headers?: Record<string, string>;
  /** First word on a request; true: it was answered. */
  answer?: (request: Received, response: ServerResponse) => boolean;
}

/** As a file store does it: ETag, ranges, preconditions, and connections that break. */
export async function serveFile(file: Buffer, options: FileServerOptions = {}): Promise<FileServer> {
  const { ranges = true, headers = {}, etag = strongEtag } = options;
  const breaks = [...(options.breaksAfter ?? [])];
  const starts: number[] = [];
  const local = await serve((request, response) => {
    if (options.answer?.(request, response)) return;
    const version = etag(server.file);
    const wanted = request.headers["if-match"];
    if (wanted !== undefined && wanted !== version) return response.writeHead(412).end();
    const from = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    starts.push(from);
    const body = server.file.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-type": "application/x-ndjson",
      "content-length": body.length,
      ...(version === null ? {} : { etag: version }),
      ...(from > 0 ? { "content-range": `bytes ${from}-${server.file.length - 1}/${server.file.length}` } : {}),
      ...headers,
    });
    const breakAfter = breaks.shift();
    if (breakAfter === undefined || breakAfter >= body.length) return response.end(body);
    // What was written has to reach the client before the connection breaks.
    return response.write(body.subarray(0, breakAfter), () => setTimeout(() => response.socket?.resetAndDestroy(), 30));
  });
  const server: FileServer = Object.assign(local, { file, starts });
  return server;
}

function strongEtag(file: Buffer): string {
  return `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;
}
