import { WRITERS_FIXES } from "../writers-fixes.ts";
import { BODY_LIMIT_FIX, BodyLimitError } from "./body-limit.ts";
import type { Failure } from "./failures.ts";
import { type JsonValue, parseJson } from "./json.ts";
import { type BodyFormat, isNdjson, looksLikeNdjson, OtherFormatError, parseNdjson } from "./ndjson.ts";
import { decodeText } from "./text.ts";
import type { Answer } from "./transport.ts";

export interface HttpResponse {
  status: number;
  headers: Headers;
  /** Of the last hop, without credentials. Links are resolved against it. */
  url: string;
  /** Of the first hop, without credentials: redirects led from it to `url`. */
  requestedUrl: string;
  /** Decompressed. */
  body: Buffer;
  /** NDJSON, or nothing at all, that was ended by nothing but the end of its connection: it may have broken between two lines, or before. */
  mayBeCut: boolean;
  /** Lossless, see json.ts; of NDJSON an array of its lines; parsed once. @throws ProviderError source_response_invalid where the body is no JSON */
  json(): JsonValue;
  contentType: string;
  format: BodyFormat;
  /** It is parsed in a thread, and others wait for `letGo`. */
  isLarge: boolean;
  /** Nothing more is done with its body. May be called again. */
  letGo(): void;
  /** Host and port that were asked: sources take turns at threads. */
  source: string;
  /** Aborts with the request. */
  signal: AbortSignal;
  /** The error that an answer is which was parsed elsewhere, and for which `json` would have thrown. @param cause see `parseBody` */
  refuse(cause: unknown): Error;
}

export function createResponse(
  { status, headers, body, live }: Answer,
  { requested, url }: { requested: URL; url: URL },
  options: { format: BodyFormat | undefined; signal: AbortSignal; toError: (failure: Failure) => Error },
): HttpResponse {
  let parsed: JsonValue | undefined;
  const { bytes } = body;
  const contentType = headers.get("content-type") ?? "";
  const format = options.format ?? (isNdjson(contentType) ? "ndjson" : "json");
  const isLines = format === "ndjson";
  const refuse = (cause: unknown): Error => {
    const reasonCode = "source_response_invalid";
    if (cause instanceof BodyLimitError) {
      const said = `the answer ${cause.message}`;
      return options.toError({ reasonCode, said, cause, fix: BODY_LIMIT_FIX, permanent: true });
    }
    const said = `the answer is not ${describeWrong(cause, { isLines, contentType })}`;
    const isOther = cause instanceof OtherFormatError;
    const advice = isOther ? { fix: `${WRITERS_FIXES.format.written}"${cause.format}".`, permanent: true } : {};
    // The parser's own message quotes the body uncut.
    return options.toError({ reasonCode, said, quoted: quoteBody(bytes), cause, ...advice });
  };
  const parse = (): JsonValue => {
    try {
      return parseBody(decodeText(bytes, contentType), format);
    } catch (cause) {
      throw refuse(cause);
    }
  };
  return {
    ...{
      status,
      headers,
      url: url.href,
      requestedUrl: requested.href,
      source: url.host,
      body: bytes,
      contentType,
      format,
      refuse,
      signal: options.signal,
    },
    mayBeCut: (isLines || (bytes.length === 0 && status === 200)) && !showsEnd(headers, body),
    json: () => {
      parsed ??= parse();
      return parsed;
    },
    isLarge: body.letGo !== null && live === undefined,
    letGo: () => body.letGo?.(),
  };
}

function showsEnd(headers: Headers, { isUnpacked }: Answer["body"]): boolean {
  return isUnpacked || headers.has("content-length") || headers.has("transfer-encoding");
}

/** @throws SyntaxError */
function parseBody(text: string, format: BodyFormat): JsonValue {
  if (format === "ndjson") return parseNdjson(text);
  try {
    return parseJson(text);
  } catch (error) {
    throw looksLikeNdjson(text) ? new OtherFormatError("ndjson") : error;
  }
}

/** Continues "the answer is not". */
function describeWrong(cause: unknown, { isLines, contentType }: { isLines: boolean; contentType: string }): string {
  const format = isLines ? "NDJSON" : "JSON";
  if (cause instanceof OtherFormatError || (isLines && cause instanceof SyntaxError))
    return `${format}: ${cause.message}`;
  return isLines ? format : `${format} but ${contentType === "" ? "of no given type" : contentType}`;
}

const MAX_QUOTE_SOURCE = 16 * 1024;

/** As text, for a message; longer than will be shown, since secrets are blacked out before it is cut. */
export function quoteBody(body: Buffer): string {
  return body.subarray(0, MAX_QUOTE_SOURCE).toString("utf8");
}
