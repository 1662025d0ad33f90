import type { Pulse } from "../../../core/pulse.ts";
import type { Redactor } from "../../../core/redact.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import { createHostPatterns } from "../../../egress/addresses.ts";
import type { EgressPolicy } from "../../../egress/policy.ts";
import type { SharedConnection } from "../../provider.ts";
import { createAdmission, type Limit } from "./admission.ts";
import { createAttempts } from "./attempts.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import { createAuthContext } from "./auth/context.ts";
import { createEgressGuard } from "./egress.ts";
import { createFailures } from "./failures.ts";
import { isHarmless, mergeHeaders } from "./headers.ts";
import { ofOneClient, sharedLargeBodies } from "./large-bodies.ts";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";
import { resolveTarget } from "./target.ts";
import { createTransport, type Outgoing } from "./transport.ts";

export type { HttpRequest } from "./request.ts";
export type { HttpResponse } from "./response.ts";
export type { Verdict } from "./verdict.ts";

export interface HttpClient {
  /** One logical request: admitted by the limiter, authenticated, retried, capped, classified. @throws ProviderError */
  send(request: HttpRequest): Promise<HttpResponse>;
  /**
   * `working`: a byte has arrived since the last call. `waiting`: a request is in flight; its parts all have deadlines: connecting, the first
   * byte, each next one, the pauses between attempts.
   */
  look(): Pulse;
  /** Ends all connections, and the requests on them; a renewal of tokens goes on and is stored. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  provider: ProviderKey;
  baseUrl: string;
  /** With every request to the source itself; may hold secrets. */
  headers?: Record<string, string>;
  auth: Authenticator;
  /** For the first byte of an answer, and for each next one; 30 s. */
  timeoutMs?: number;
  /** Of one answer, compressed and decompressed; 32 MiB. */
  maxBodyBytes?: number;
  /** `maxAttempts` 4; `statuses` are retried besides 408, 425, 429 and 5xx. */
  retry?: { maxAttempts?: number; statuses?: number[] };
  /** What the source allows; kept together with all who use the connection, but for `concurrency`, which is this client's. */
  limit?: Limit | null;
  /** Host names, `*.suffix` patterns, addresses and ranges that belong to the source besides `baseUrl`'s: links may point there, and credentials go there. */
  allowedHosts?: string[];
  /** Gets to know what headers, queries and tokens hold; of all that comes from the source. */
  redactor: Redactor;
  shared: SharedConnection;
  egress: EgressPolicy;
  signal: AbortSignal;
  /** PEM; trusted besides the well-known authorities. */
  tlsRootCert?: string;
  /** All addresses of a host name; the system's resolver. */
  resolve?: (hostName: string) => Promise<string[]>;
}

const TIMEOUT_MS = 30_000;
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ATTEMPTS = 4;
const DEFAULT_HEADERS = { accept: "application/json", "user-agent": "sluice" };

/** Connects with the first request. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { provider, headers = {}, shared, redactor, signal, tlsRootCert } = options;
  for (const [name, value] of Object.entries(headers)) if (!isHarmless(name)) redactor.hide(value);
  const toError = createFailures(provider, redactor);
  const guard = createEgressGuard({ policy: options.egress, resolve: options.resolve });
  const allowedHosts = createHostPatterns(options.allowedHosts ?? []);
  const bodies = ofOneClient(sharedLargeBodies());
  const transport = createTransport({
    guard,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    large: { bodies, source: new URL(options.baseUrl).host },
    tlsRootCert,
    signal,
  });
  const attempt = createAttempts({
    auth: options.auth,
    authContext: createAuthContext({ guard, tlsRootCert, shared, redactor, toError }),
    admission: createAdmission(options.limit ?? null, shared, signal),
    route: { guard, transport },
    maxAttempts: options.retry?.maxAttempts ?? MAX_ATTEMPTS,
    retriedStatuses: options.retry?.statuses ?? [],
    toError,
    signal,
  });

  let inFlight = 0;

  function outgoing(request: HttpRequest): Outgoing {
    const body = request.json === undefined ? null : JSON.stringify(request.json);
    const ofBody = body === null ? {} : { "content-type": "application/json" };
    return {
      method: request.method,
      url: resolveTarget(request, options.baseUrl, allowedHosts, (said) =>
        toError(request.doing, { reasonCode: "source_address_refused", said }),
      ),
      headers: mergeHeaders(DEFAULT_HEADERS, headers, ofBody, request.headers ?? {}),
      body,
    };
  }

  return {
    async send(request) {
      signal.throwIfAborted();
      inFlight += 1;
      try {
        return await attempt(request, outgoing(request));
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        inFlight -= 1;
      }
    },
    look() {
      if (transport.hasMoved()) return "working";
      return inFlight > 0 ? "waiting" : "none";
    },
    async close() {
      await transport.close();
      bodies.letGoAll();
    },
  };
}
