import { getCACertificates } from "node:tls";
import { Agent, buildConnector } from "undici";
import type { EgressGuard } from "./egress.ts";
import { toHeaders, validateHeaders } from "./headers.ts";
import type { LargeBodies } from "./large-bodies.ts";
import { type Body, readBody } from "./read-body.ts";

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
  body: Body;
}

export interface TransportOptions {
  guard: EgressGuard;
  timeoutMs: number;
  maxBodyBytes: number;
  /** Who has to wait with what is large, and for whom. */
  large: { bodies: LargeBodies; source: string };
  /** PEM; trusted besides the well-known authorities. */
  tlsRootCert?: string | undefined;
  signal: AbortSignal;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 64 * 1024;

export function createTransport(options: TransportOptions): Transport {
  const { guard, timeoutMs, maxBodyBytes, tlsRootCert, signal } = options;
  const dispatcher = new Agent({
    connect: createGuardedConnector(guard, Math.min(timeoutMs, CONNECT_TIMEOUT_MS), tlsRootCert),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxResponseSize: maxBodyBytes,
    allowH2: false,
  });
  let moved = false;

  const reader = {
    ...options,
    noteMoved: () => {
      moved = true;
    },
  };

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
        body: await readBody(response.body, [response.headers["content-encoding"] ?? ""].flat().join(","), reader),
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
