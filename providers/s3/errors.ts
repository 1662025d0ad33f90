import { classifyBreakage } from "../lib/http/breakages.ts";
import { describeStatus, type Failure } from "../lib/http/failures.ts";
import { isSdkError, type SdkError } from "./sdk-error.ts";

/** What was asked for, as messages and fixes need it. */
export interface Asked {
  /** `page 3 of the listing of orders/`. */
  doing: string;
  /** What it takes to be allowed to do it: `s3:ListBucket on arn:aws:s3:::bucket`. */
  permission: string;
  bucket: string;
  region: string;
}

/** A request that failed, and whether the same request may do better in a moment. */
export interface S3Failure extends Failure {
  mayPass: boolean;
}

type Kind = Pick<S3Failure, "reasonCode" | "mayPass" | "fix" | "permanent" | "ofEntity">;

const AWAY: Kind = { reasonCode: "source_unavailable", mayPass: true, ofEntity: true };
const THROTTLED: Kind = {
  reasonCode: "source_rate_limited",
  mayPass: true,
  fix: "Lower executionConfig.maxConcurrency, or spread the objects over more prefixes: S3 counts requests by prefix.",
};
const WRONG_KEYS: Kind = {
  reasonCode: "source_auth_failed",
  mayPass: false,
  fix: "Correct auth.accessKeyId and the secret secretAccessKey; a temporary access key also needs its sessionToken.",
};
const EXPIRED: Kind = {
  reasonCode: "source_auth_expired",
  mayPass: false,
  fix: "Store a new temporary access key (auth.accessKeyId, secretAccessKey, sessionToken), or use auth.type assume_role, which renews itself.",
};
const SKEWED: Kind = {
  ...AWAY,
  fix: "Set the clock of the worker's machine: it is more than 15 minutes off.",
};
const REFUSED: Kind = { reasonCode: "source_rejected_request", mayPass: false, fix: "Do what the source's words say." };
const UNREADABLE: Kind = { reasonCode: "source_file_unreadable", mayPass: false };
const ARCHIVED: Kind = {
  ...UNREADABLE,
  fix: "Restore the object from its archive class, or leave it out of the glob.",
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList, and what other servers say. */
const BY_CODE: Record<string, Kind> = {
  InternalError: AWAY,
  ServiceUnavailable: AWAY,
  RequestTimeout: AWAY,
  OperationAborted: AWAY,
  SlowDown: THROTTLED,
  TooManyRequests: THROTTLED,
  TooManyRequestsException: THROTTLED,
  Throttling: THROTTLED,
  ThrottlingException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  BandwidthLimitExceeded: THROTTLED,
  RequestTimeTooSkewed: SKEWED,
  InvalidAccessKeyId: WRONG_KEYS,
  SignatureDoesNotMatch: WRONG_KEYS,
  InvalidClientTokenId: WRONG_KEYS,
  InvalidSecurity: WRONG_KEYS,
  InvalidToken: WRONG_KEYS,
  AuthFailure: WRONG_KEYS,
  UnrecognizedClientException: WRONG_KEYS,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  InvalidObjectState: ARCHIVED,
  NotImplemented: { ...REFUSED, fix: "The server does not know this request. Turn off the option that asks for it." },
};

const CODES_OF_PERMISSION = new Set(["AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidPayer", "403"]);
/** The bucket lies elsewhere. A HEAD has no body to say more than its status. */
const CODES_OF_REGION = new Set([
  ...["PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed"],
  ...["IllegalLocationConstraintException", "301", "307"],
]);

/** @returns null where the error is no failure of the source: a defect stays one */
export function judge(error: unknown, asked: Asked): S3Failure | null {
  if (!isSdkError(error)) return classifyBreakage(error, `the request for ${asked.doing}`);
  const { name, status, message } = error;
  const said = `the server answered ${name === String(status) ? describeStatus(status) : `${status} ${name}`}`;
  const { retryAfterSeconds } = error;
  // The last is the SDK's, for an answer without a body.
  const quoted = message === name || message === "UnknownError" ? undefined : message;
  return { said, quoted, retryAfterSeconds, cause: error, ...kindOf(error, asked) };
}

function kindOf(error: SdkError, asked: Asked): Kind {
  const { name, status } = error;
  if (error.isUnreadable) return { reasonCode: "source_response_invalid", mayPass: true, ofEntity: true };
  if (name === "TemporaryRedirect" && (error.region ?? asked.region) === asked.region) return AWAY;
  if (CODES_OF_REGION.has(name) || status === 301) return wrongRegion(error, asked);
  const known = BY_CODE[name];
  if (known !== undefined) return known;
  if (name === "NoSuchBucket" || name === "InvalidBucketName") {
    const fix = `Correct bucket: there is no ${asked.bucket} at this server.`;
    return { reasonCode: "source_resource_not_found", mayPass: false, fix };
  }
  if (CODES_OF_PERMISSION.has(name) || status === 403) return notAllowed(error, asked);
  if (status === 429) return THROTTLED;
  if (status === 404)
    return { reasonCode: "source_resource_not_found", mayPass: false, fix: "Correct bucket and endpoint." };
  if (/server.?side encryption|customer.?(?:provided )?key/i.test(error.message)) {
    const fix = "Objects that are encrypted with a key of your own (SSE-C) cannot be read: leave them out of the glob.";
    return { ...UNREADABLE, fix };
  }
  return status >= 500 ? AWAY : REFUSED;
}

function wrongRegion({ region, message }: SdkError, asked: Asked): Kind {
  const right = region ?? /expecting '([a-z0-9-]+)'/.exec(message)?.[1];
  const fix =
    right === undefined || right === asked.region
      ? "Correct region, or endpoint: this server does not have the bucket."
      : `Set region to ${right}: the bucket ${asked.bucket} lies there.`;
  return { reasonCode: "config_invalid", mayPass: false, fix };
}

function notAllowed({ message }: SdkError, { permission }: Asked): Kind {
  const what = /\bkms\b/i.test(message) ? "kms:Decrypt on the key that the objects are encrypted with" : permission;
  const fix = `Allow ${what}. If the requester pays for the bucket, set requesterPays.`;
  return { reasonCode: "source_permission_denied", mayPass: false, fix };
}
