import { S3Client } from "@aws-sdk/client-s3";
import type { Pulse } from "../../core/pulse.ts";
import { asFileRefusal } from "../lib/files/store.ts";
import { createEgressGuard } from "../lib/http/egress.ts";
import { createFailures, type Failure } from "../lib/http/failures.ts";
import { createInFlight } from "../lib/http/in-flight.ts";
import { sharedLargeBodies } from "../lib/http/large-bodies.ts";
import { createTransport } from "../lib/http/transport.ts";
import { backoffSeconds, LONGEST_PAUSE_SECONDS, pause } from "../lib/http/waiting.ts";
import type { ConnectOptions } from "../provider.ts";
import { type ConnectionConfig, endpointOf } from "./config.ts";
import { createCredentials } from "./credentials.ts";
import { type Asked, judge, type S3Failure } from "./errors.ts";
import { createGetObject, type GetObject } from "./object-request.ts";
import { createRequestHandler } from "./request-handler.ts";
import { isSdkError, type SdkError, toSdkError } from "./sdk-error.ts";

export interface CallOptions<T> extends Pick<Asked, "doing" | "permission"> {
  /** What an answer means that is no success; undefined: it is an error. */
  unless?: (error: SdkError) => T | undefined;
  /** It asks for one object: where that is refused, others may be given. */
  ofFile?: boolean;
}

export interface S3Api {
  sdk: S3Client;
  getObject: GetObject;
}

/** The S3 API of one bucket, over sockets that the egress policy allows. */
export interface S3Connection {
  /** One request: signed, repeated where that may help, its errors in our words. @throws ProviderError */
  call<T>(options: CallOptions<T>, send: (api: S3Api) => Promise<T>): Promise<T>;
  /** The error that a failure is. */
  toError(doing: string, failure: Failure): Error;
  /** Somebody waits for the source until `work` is done. */
  whileWaiting<T>(work: () => Promise<T>): Promise<T>;
  /** A byte of an object has been read. */
  noteMoved(): void;
  look(): Pulse;
  close(): Promise<void>;
  timeoutMs: number;
  signal: AbortSignal;
}

export const MAX_ATTEMPTS = 4;
/** After a server has throttled every attempt: long enough for the slot to be given back meanwhile. */
const THROTTLED_PAUSE_SECONDS = 30;
/** Of all answers but objects: a page of a listing has at most 1,000 keys of at most 1,024 bytes, each byte escaped. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Connects with the first request. */
export function createS3Connection(options: ConnectOptions<ConnectionConfig, unknown>): S3Connection {
  const { config, signal, redactor } = options;
  const { bucket, region, forcePathStyle, tlsRootCert } = config;
  const endpoint = endpointOf(config);
  const timeoutMs = config.timeoutSeconds * 1000;
  const guard = createEgressGuard({ policy: options.egress });
  const transport = createTransport({
    ...{ guard, timeoutMs, maxBodyBytes: MAX_ANSWER_BYTES, tlsRootCert, signal },
    large: { bodies: sharedLargeBodies(), source: new URL(endpoint).host },
  });
  const { whileWaiting, look } = createInFlight(transport);
  const requestHandler = createRequestHandler(guard, transport);
  const toError = createFailures("s3", redactor);

  const credentials = createCredentials({
    ...options,
    requestHandler,
    call: (asked, work) => persist(asked, work, async () => false),
  });
  const createSdk = (): S3Client =>
    new S3Client({
      ...{ region, endpoint, forcePathStyle, requestHandler, customUserAgent: "sluice" },
      ...(credentials === null ? UNSIGNED : { credentials: credentials.current }),
      // The SDK's own attempts would not hear that the activity is over.
      ...{ maxAttempts: 1, retryMode: "standard" },
      // What is not said here the SDK looks for in the environment and files of whoever runs the worker.
      ...{ useDualstackEndpoint: false, useFipsEndpoint: false, useArnRegion: false, defaultsMode: "standard" },
      ...{ requestChecksumCalculation: "WHEN_REQUIRED", responseChecksumValidation: "WHEN_REQUIRED" },
    });
  let sdk = createSdk();
  const getObject = createGetObject({ config, guard, transport, credentials });

  async function rest(seconds: number): Promise<void> {
    // What is thrown then is the signal's reason.
    await pause(seconds, signal).catch(() => signal.throwIfAborted());
  }

  /** @param renew called once, where the credentials have expired; says whether there are others */
  async function persist<T>(asked: CallOptions<T>, work: () => Promise<T>, renew: () => Promise<boolean>): Promise<T> {
    let isRenewed = false;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await whileWaiting(work);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toSdkError(thrown);
        const instead = isSdkError(error) ? asked.unless?.(error) : undefined;
        if (instead !== undefined) return instead;
        const failure = judge(error, { ...asked, bucket, region });
        if (failure === null) throw thrown;
        const hasOthers: boolean = failure.reasonCode === "source_auth_expired" && !isRenewed && (await renew());
        isRenewed ||= hasOthers;
        const seconds = failure.retryAfterSeconds ?? backoffSeconds(attempt);
        // Who has to wait longer gives the slot back.
        const mayRepeat = hasOthers || (failure.mayPass && seconds <= LONGEST_PAUSE_SECONDS);
        if (!mayRepeat || attempt >= MAX_ATTEMPTS) {
          const refusal = toError(asked.doing, withWait(failure));
          throw asked.ofFile ? asFileRefusal(refusal) : refusal;
        }
        await whileWaiting(() => rest(seconds));
      }
    }
  }

  return {
    ...{ toError, whileWaiting, timeoutMs, signal },
    call: (asked, send) =>
      persist(
        asked,
        () => send({ sdk, getObject }),
        async () => {
          if (credentials === null || !(await credentials.renew())) return false;
          sdk = createSdk();
          return true;
        },
      ),
    noteMoved: transport.noteMoved,
    look,
    close: () => transport.close(),
  };
}

/** The SDK signs whatever it sends unless somebody else does. */
const UNSIGNED = {
  credentials: { accessKeyId: "", secretAccessKey: "" },
  signer: { sign: async <T>(request: T): Promise<T> => request },
};

function withWait(failure: S3Failure): Failure {
  const asked = failure.retryAfterSeconds ?? 0;
  return failure.reasonCode === "source_rate_limited" && asked <= LONGEST_PAUSE_SECONDS
    ? { ...failure, retryAfterSeconds: THROTTLED_PAUSE_SECONDS }
    : failure;
}
