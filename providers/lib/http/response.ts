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
  /** Decompressed. */
  body: Buffer;
  /** NDJSON that was ended by nothing but the end of its connection, which may have broken between two lines. */
  mayBeCut: boolean;
  /** Lossless, see json.ts; of NDJSON an array of its lines; parsed once. @throws ProviderError source_response_invalid where the body is no JSON */
  json(): JsonValue;
}

export function createResponse(
  { status, headers, body }: Answer,
  url: URL,
  options: { format: BodyFormat | undefined; toError: (failure: Failure) => Error },
): HttpResponse {
  let parsed: JsonValue | undefined;
  const contentType = headers.get("content-type") ?? "";
  const isLines = (options.format ?? (isNdjson(contentType) ? "ndjson" : "json")) === "ndjson";
  const parse = (): JsonValue => {
    try {
      return parseBody(decodeText(body, contentType), isLines ? "ndjson" : "json");
    } catch (cause) {
      const said = `the answer is not ${describeWrong(cause, { isLines, contentType })}`;
      const isOther = cause instanceof OtherFormatError;
      const advice = isOther ? { fix: `Set the resource's format to "${cause.format}".`, permanent: true } : {};
      // The parser's own message quotes the body uncut.
      const quoted = quoteBody(body);
      throw options.toError({ reasonCode: "source_response_invalid", said, quoted, cause, ...advice });
    }
  };
  return {
    status,
    headers,
    url: url.href,
    body,
    mayBeCut: isLines && !["content-length", "transfer-encoding", "content-encoding"].some((name) => headers.has(name)),
    json: () => {
      parsed ??= parse();
      return parsed;
    },
  };
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
