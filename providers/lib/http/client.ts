import type { ProviderError } from "../../../core/errors.ts";
import type { Pulse } from "../../../core/pulse.ts";
import { raceAbort } from "../../../core/race-abort.ts";
import type { Redactor } from "../../../core/redact.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import { createHostPatterns } from "../../../egress/addresses.ts";
import type { EgressPolicy } from "../../../egress/policy.ts";
import type { SharedConnection } from "../../provider.ts";
import { createAdmission, type Limit } from "./admission.ts";
import { type Answered, createAttempts } from "./attempts.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import { createAuthContext } from "./auth/context.ts";
import { createEgressGuard } from "./egress.ts";
import { createFailures, describeRequest, type Failure } from "./failures.ts";
import { isHarmless } from "./headers.ts";
import { createInFlight } from "./in-flight.ts";
import { ofOneClient, sharedLargeBodies } from "./large-bodies.ts";
import { createOutgoing } from "./outgoing.ts";
import { hidingAddress } from "./presigned.ts";
import type { HttpRequest, StreamRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";
import { type HttpStream, openStream } from "./stream/http-stream.ts";
import { isOwnOrAllowed } from "./target.ts";
import { createTransport } from "./transport.ts";

export type { HttpRequest, StreamRequest } from "./request.ts";
export type { HttpResponse } from "./response.ts";
export type { HttpStream } from "./stream/http-stream.ts";
export type { Verdict } from "./verdict.ts";

export interface HttpClient {
  /** One logical request: admitted by the limiter, authenticated, retried, capped, classified. @throws ProviderError */
  send(request: HttpRequest): Promise<HttpResponse>;
  /**
   * As `send`, but the body of a 2xx is read as it comes, in little memory however large it is. `readJsonLines` and `readCsv` take it
   * from there. The connection's limit counts the request, and no longer once it is answered. @throws ProviderError
   */
  stream(request: StreamRequest): Promise<HttpStream>;
  /** What the login has answered and the authenticator kept, such as `instance_url`; logs in where nobody has. @throws ProviderError */
  answered(): Promise<Readonly<Record<string, string>>>;
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

/** Connects with the first request. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { provider, headers = {}, shared, redactor, signal, tlsRootCert } = options;
  for (const [name, value] of Object.entries(headers)) if (!isHarmless(name)) redactor.hide(value);
  const toError = createFailures(provider, redactor);
  const toErrorOf = ({ doing, url, presigned = false }: HttpRequest, failure: Failure): ProviderError =>
    presigned ? createFailures(provider, hidingAddress(redactor, url))(doing, failure) : toError(doing, failure);
  const guard = createEgressGuard({ policy: options.egress, resolve: options.resolve });
  const allowedHosts = createHostPatterns(options.allowedHosts ?? []);
  const bodies = ofOneClient(sharedLargeBodies());
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const maxAttempts = options.retry?.maxAttempts ?? MAX_ATTEMPTS;
  const transport = createTransport({
    guard,
    timeoutMs,
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    large: { bodies, source: new URL(options.baseUrl).host },
    tlsRootCert,
    signal,
  });
  const { whileWaiting, look } = createInFlight(transport);
  const authContext = createAuthContext({ guard, tlsRootCert, shared, redactor, toError });
  const attempt = createAttempts({
    auth: options.auth,
    authContext,
    admission: createAdmission(options.limit ?? null, shared, signal),
    route: {
      ...{ guard, transport, moved: new Map() },
      isAllowed: ({ href }) => isOwnOrAllowed(href, options.baseUrl, allowedHosts),
    },
    maxAttempts,
    retriedStatuses: options.retry?.statuses ?? [],
    toError: toErrorOf,
    signal,
  });

  const outgoing = createOutgoing({
    ...{ baseUrl: options.baseUrl, headers, allowedHosts },
    refuse: (request, said) => toErrorOf(request, { reasonCode: "source_address_refused", said }),
  });

  async function unlessAborted<T>(work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await whileWaiting(work);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  function exchange(request: HttpRequest, isStreamed: boolean): Promise<Answered> {
    return unlessAborted(() => {
      const first = { ...outgoing(request), streamed: isStreamed };
      return attempt(request, (baseUrl) =>
        baseUrl === undefined ? first : { ...outgoing(request, baseUrl), streamed: isStreamed },
      );
    });
  }

  return {
    async send(request) {
      return (await exchange(request, false)).response;
    },
    async stream(request) {
      return openStream(request, {
        send: (each) => exchange(each, true),
        toError: (failure) => toErrorOf(request, failure),
        what: describeRequest(request, outgoing(request).url),
        noteMoved: transport.noteMoved,
        ...{ timeoutMs, maxAttempts, signal, whileWaiting },
      });
    },
    answered: () =>
      unlessAborted(async () => (await raceAbort(options.auth.authorize(authContext), signal)).answered ?? {}),
    look,
    async close() {
      await transport.close();
      bodies.letGoAll();
    },
  };
}
