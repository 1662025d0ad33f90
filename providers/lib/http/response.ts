import type { JsonValue } from "./json.ts";

export interface HttpResponse {
  status: number;
  headers: Headers;
  /** Of the last hop, without credentials. Links are resolved against it. */
  url: string;
  /** Decompressed. */
  body: Buffer;
  /** Lossless, see json.ts. @throws TransientError source_response_invalid where the body is no JSON */
  json(): JsonValue;
}
