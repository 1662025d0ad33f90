import type { Readable } from "node:stream";
import { getCACertificates } from "node:tls";
import { Agent, buildConnector, type Dispatcher } from "undici";
import type { EgressGuard } from "./egress.ts";
import { toHeaders, validateHeaders } from "./headers.ts";
import type { LargeBodies } from "./large-bodies.ts";
import type { HttpMethod } from "./method.ts";
import { type Body, readBody } from "./read-body.ts";

/** One request and its answer on the wire: no retry, no redirect, no judgement. */
export interface Transport {
  exchange(outgoing: Outgoing): Promise<Answer>;
  /** Has a byte arrived since the last call? */
  hasMoved(): boolean;
  /** A byte of a stream has been read. */
  noteMoved(): void;
  close(): Promise<void>;
}

export interface Outgoing {
  method: HttpMethod;
  url: URL;
  /** Path and query as they go over the wire, where they are not those of `url`: a URL resolves `..`, which the names of some sources hold. */
  path?: string;
  headers: Record<string, string>;
  body: string | Buffer | null;
  /** The body of a 2xx is left on the wire, see `Answer.live`. */
  streamed?: boolean;
  /** Is told when it goes out: its connection is open by then, which may have taken long. */
  onSent?: () => void;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
  /** The body as it comes, not decompressed; `body` is empty then. Somebody has to read or destroy it. */
  live?: Readable;
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
  const settings = {
    connect: createGuardedConnector(guard, Math.min(timeoutMs, CONNECT_TIMEOUT_MS), tlsRootCert),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    allowH2: false,
  };
  const dispatcher = new Agent({ ...settings, maxResponseSize: maxBodyBytes });
  /** Streams may be of any size. It opens its first connection with the first of them. */
  const streams = new Agent(settings);
  let moved = false;

  const noteMoved = (): void => {
    moved = true;
  };
  const reader = { ...options, noteMoved };

  return {
    async exchange({ method, url, path = `${url.pathname}${url.search}`, headers, body, streamed = false, onSent }) {
      validateHeaders(headers);
      const agent = streamed ? streams : dispatcher;
      const sender = onSent === undefined ? agent : agent.compose(tellingWhenSent(onSent));
      const response = await sender.request({
        origin: url.origin,
        ...{ path, method },
        headers: { "accept-encoding": "gzip, deflate, br, zstd", ...headers },
        body,
        signal,
      });
      noteMoved();
      const { statusCode: status } = response;
      if (streamed && status >= 200 && status < 300) {
        return { status, headers: toHeaders(response.headers), ...leaveOnWire(response.body) };
      }
      return {
        status,
        headers: toHeaders(response.headers),
        body: await readBody(response.body, [response.headers["content-encoding"] ?? ""].flat().join(","), reader),
      };
    },
    noteMoved,
    hasMoved() {
      const was = moved;
      moved = false;
      return was;
    },
    async close() {
      await Promise.all([dispatcher.destroy(), streams.destroy()]);
    },
  };
}

/** undici begins a request at the moment in which it writes it to the connection. */
function tellingWhenSent(onSent: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const begin = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      onSent();
      begin?.(controller, context);
    };
    return dispatch(options, handler);
  };
}

function leaveOnWire(live: Readable): Pick<Answer, "body" | "live"> {
  // Whoever reads it gets the error from the read. One that is thrown away unread must not end the process.
  live.on("error", () => undefined);
  return { live, body: { bytes: Buffer.alloc(0), isUnpacked: false, letGo: () => live.destroy() } };
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
