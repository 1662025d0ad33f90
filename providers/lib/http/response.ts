import type { Failure } from "./failures.ts";
import { type JsonValue, parseJson } from "./json.ts";
import type { Answer } from "./transport.ts";

export interface HttpResponse {
  status: number;
  headers: Headers;
  /** Of the last hop, without credentials. Links are resolved against it. */
  url: string;
  /** Decompressed. */
  body: Buffer;
  /** Lossless, see json.ts; parsed once. @throws TransientError source_response_invalid where the body is no JSON */
  json(): JsonValue;
}

export function createResponse(
  { status, headers, body }: Answer,
  url: URL,
  toError: (failure: Failure) => Error,
): HttpResponse {
  let parsed: JsonValue | undefined;
  const parse = (): JsonValue => {
    const contentType = headers.get("content-type") ?? "";
    try {
      return parseJson(decode(body, contentType));
    } catch (cause) {
      // The parser's own message quotes the body uncut.
      const said = `the answer is not JSON but ${contentType === "" ? "of no given type" : contentType}`;
      throw toError({ reasonCode: "source_response_invalid", said, quoted: quoteBody(body), cause });
    }
  };
  return {
    status,
    headers,
    url: url.href,
    body,
    json: () => {
      parsed ??= parse();
      return parsed;
    },
  };
}

/** Broken text is refused, not mended. @throws TypeError, RangeError for a charset that does not exist */
function decode(body: Buffer, contentType: string): string {
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1] ?? "utf-8";
  return new TextDecoder(charset, { fatal: true }).decode(body);
}

const MAX_QUOTE_SOURCE = 16 * 1024;

/** As text, for a message; longer than will be shown, since secrets are blacked out before it is cut. */
export function quoteBody(body: Buffer): string {
  return body.subarray(0, MAX_QUOTE_SOURCE).toString("utf8");
}
