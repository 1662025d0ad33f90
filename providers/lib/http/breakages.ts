import { errors } from "undici";
import { AddressRefusedError } from "../../../egress/policy.ts";
import { classifySocketError } from "../sqlstate.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { BODY_LIMIT_FIX, BodyLimitError } from "./body-limit.ts";
import { UnknownEncodingError } from "./decompress.ts";
import type { Failure } from "./failures.ts";
import { SlowBodyError } from "./read-body.ts";
import { RedirectError } from "./redirects.ts";

/** A request that got no answer, or none that can be read. */
export interface Breakage extends Failure {
  /** The same request may do better in a moment. */
  mayPass: boolean;
  /** The source has certainly not seen the request. */
  unsent: boolean;
}

type Kind = Pick<Breakage, "reasonCode" | "said" | "fix" | "permanent" | "mayPass" | "unsent" | "ofEntity">;

const sent = { unsent: false, permanent: false, ofEntity: true };
const unsent = { unsent: true, ofEntity: false };
const cut = (said: string): Kind => ({ ...sent, reasonCode: "source_unavailable", said, mayPass: true });
const garbled = (said: string): Kind => ({ ...sent, reasonCode: "source_response_invalid", said, mayPass: true });
const unusable = (said: string): Kind => ({ ...garbled(said), mayPass: false, permanent: true });
/** It has used its time: the next try is the activity's. */
const late = (said: string): Kind => ({ ...sent, reasonCode: "source_timeout", said, mayPass: false });

const TOO_LARGE: Kind = {
  ...unusable("the answer is larger than maxBodyBytes"),
  fix: WRITERS_FIXES.tooLarge.written,
};

/** https://undici.nodejs.org/#/docs/api/Errors */
const BY_CODE: Record<string, Kind> = {
  UND_ERR_CONNECT_TIMEOUT: { ...cut("no connection came about in time"), ...unsent },
  UND_ERR_HEADERS_TIMEOUT: late("no answer came in time"),
  UND_ERR_BODY_TIMEOUT: late("the answer stopped coming"),
  UND_ERR_SOCKET: cut("the connection was closed before the answer was complete"),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: cut("the answer has another length than it announced"),
  UND_ERR_RES_EXCEEDED_MAX_SIZE: TOO_LARGE,
  ERR_BUFFER_TOO_LARGE: TOO_LARGE,
  UND_ERR_HEADERS_OVERFLOW: unusable("the headers of the answer are too large"),
};

/** Headers that cannot be sent as they are configured. */
const REQUEST_CODES = new Set([
  "ERR_INVALID_HTTP_TOKEN",
  "ERR_INVALID_CHAR",
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
]);
const UNSENT_CODES = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOST|ENET|EADDRNOTAVAIL)/;
const DECOMPRESSION_CODES = /^(Z_|ZSTD_|ERR_(_ERROR|BROTLI|PADDING|ZSTD))/;

/**
 * @param what was sent: `GET https://api.example.com/orders`
 * @returns null where the error is no failure of the source: a defect stays one
 */
export function classifyBreakage(error: unknown, what: string): Breakage | null {
  const kind = classify(error);
  return kind && { ...kind, said: `${what}: ${kind.said}`, cause: error };
}

function classify(error: unknown): Kind | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof AddressRefusedError) {
    return { ...unusable(error.message), reasonCode: "source_address_refused", fix: error.fix };
  }
  if (error instanceof RedirectError || error instanceof UnknownEncodingError) return unusable(error.message);
  if (error instanceof BodyLimitError) return { ...unusable(`the answer ${error.message}`), fix: BODY_LIMIT_FIX };
  if (error instanceof SlowBodyError || error.name === "TimeoutError") return late(error.message);
  if (error instanceof errors.HTTPParserError) return garbled(`the answer is not HTTP (${error.message})`);
  if (!("code" in error && typeof error.code === "string")) return null;
  const { code } = error;
  const known = BY_CODE[code];
  if (known) return known;
  if (REQUEST_CODES.has(code)) return { ...unusable(error.message), reasonCode: "config_invalid" };
  if (DECOMPRESSION_CODES.test(code)) return garbled(`the answer cannot be decompressed (${code})`);
  const failure = classifySocketError(code);
  if (failure === null) return null;
  const broken = { ...cut(`the connection failed (${code})`), ...(UNSENT_CODES.test(code) ? unsent : {}) };
  if (failure.kind === "transient") return broken;
  return { ...unusable(`no secure connection came about (${code})`), reasonCode: failure.reasonCode };
}
