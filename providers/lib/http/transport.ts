import { getCACertificates } from "node:tls";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { decompress } from "./decompress.ts";
import type { EgressGuard } from "./egress.ts";
import { toHeaders, validateHeaders } from "./headers.ts";

/** One request and its answer on the wire: no retry, no redirect, no judgement. */
export interface Transport {
  exchange(outgoing: Outgoing): Promise<Answer>;
  /** Has a byte arrived since the last call? */
  hasMoved(): boolean;
  close(): Promise<void>;
}

export interface Outgoing {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body: string | null;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Decompressed. */
  body: Buffer;
}

export interface TransportOptions {
  guard: EgressGuard;
  timeoutMs: number;
  maxBodyBytes: number;
  /** PEM; trusted besides the well-known authorities. */
  tlsRootCert?: string | undefined;
  signal: AbortSignal;
}

/** A source that gives less is not slow but stuck. */
const SLOWEST_BYTES_PER_SECOND = 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 64 * 1024;

/** The body came too slowly, though it kept coming. */
export class SlowBodyError extends Error {
  override readonly name = "SlowBodyError";
}

export function createTransport({ guard, timeoutMs, maxBodyBytes, tlsRootCert, signal }: TransportOptions): Transport {
  const dispatcher = new Agent({
    connect: createGuardedConnector(guard, Math.min(timeoutMs, CONNECT_TIMEOUT_MS), tlsRootCert),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxResponseSize: maxBodyBytes,
    allowH2: false,
  });
  let moved = false;

  async function readBody({ headers, body }: Dispatcher.ResponseData): Promise<Buffer> {
    const startedAt = Date.now();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      moved = true;
      chunks.push(chunk);
      bytes += chunk.length;
      const allowedMs = timeoutMs + (bytes / SLOWEST_BYTES_PER_SECOND) * 1000;
      if (Date.now() - startedAt > allowedMs) throw new SlowBodyError(`${bytes} bytes came in ${allowedMs} ms`);
    }
    const encoding = [headers["content-encoding"] ?? ""].flat().join(",");
    return await decompress(Buffer.concat(chunks, bytes), encoding, maxBodyBytes);
  }

  return {
    async exchange({ method, url, headers, body }) {
      validateHeaders(headers);
      const response = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { "accept-encoding": "gzip, deflate, br, zstd", ...headers },
        body,
        signal,
      });
      moved = true;
      return {
        status: response.statusCode,
        headers: toHeaders(response.headers),
        body: await readBody(response),
      };
    },
    hasMoved() {
      const was = moved;
      moved = false;
      return was;
    },
    close: () => dispatcher.destroy(),
  };
}

/** Connects to addresses that the guard has checked, and to no others. */
function createGuardedConnector(
  guard: EgressGuard,
  timeout: number,
  tlsRootCert: string | undefined,
): buildConnector.connector {
  const ca = tlsRootCert === undefined ? {} : { ca: [...getCACertificates("default"), tlsRootCert] };
  return (options, done) => {
    const connect = buildConnector({ timeout, allowH2: false, lookup: guard.lookup(options), ...ca });
    connect(options, done);
  };
}
