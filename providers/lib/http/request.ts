import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { Spend } from "../../provider.ts";
import type { HttpMethod } from "./method.ts";
import type { BodyFormat } from "./ndjson.ts";
import type { HttpResponse } from "./response.ts";
import type { StreamPosition } from "./stream/position.ts";
import type { Verdict } from "./verdict.ts";

export interface HttpRequest {
  /** For messages: `page 3 of orders`. */
  doing: string;
  method: HttpMethod;
  /**
   * Absolute, or joined to the path of `baseUrl`; a link of an answer is made absolute against `response.url` first. Only `baseUrl`'s
   * origin and `allowedHosts` are asked, and every address is checked, on redirects too.
   */
  url: string;
  /** Replaces parameters of the same name in `url`; a name given twice is sent twice. */
  query?: readonly (readonly [name: string, value: string])[];
  /** A body: at most one of `json`, `form` and `raw`. */
  json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  form?: readonly (readonly [name: string, value: string])[];
  raw?: { contentType: string; bytes: string | Buffer };
  headers?: Record<string, string>;
  /**
   * `url` is a link that carries its own permission, such as a presigned download. It is absolute and may lead to any host that the egress
   * policy allows. No credentials, none of the client's headers and no parameters of `baseUrl` go with it, the connection's limit
   * does not count it, and messages show its host alone.
   */
  presigned?: boolean;
  /**
   * False: a redirect is the answer, and its `Location` is not asked. For links that are followed in another way, such as presigned downloads.
   * The default map takes it for a good answer.
   */
  follow?: boolean;
  /** Which token goes with the request, where the authenticator has one for each kind of operation; see `auth/scoped-token.ts`. */
  scope?: string;
  /** Of the answer; absent: as its content type says. */
  format?: BodyFormat | undefined;
  /**
   * May be sent again after it may have arrived. GET and HEAD always may; PUT and DELETE may unless this says false; POST and PATCH may
   * if this says true. What was refused with 401 is sent again with newer credentials.
   */
  idempotent?: boolean;
  /** What to do when it fails, by reason, where that is known better than what is usual; whole sentences. */
  fixes?: Partial<Record<ReasonCode, string>>;
  /** What it takes of the source's limits, in place of what the client's `limit` says of all requests. */
  spends?: readonly Spend[];
  /** First word on an answer; null: the default map decides. */
  classify?: (response: HttpResponse) => Verdict | null | Promise<Verdict | null>;
}

/** A request whose answer is read as it comes. `classify` sees no body of a 2xx. */
export interface StreamRequest extends HttpRequest {
  /** Goes on behind what an earlier request has read. Absent: from the start. */
  from?: StreamPosition | undefined;
  /** How the file itself is compressed, besides what the `Content-Encoding` header says. */
  packed?: "gzip" | "zstd" | undefined;
  /** Of the body when it is unpacked; absent: no bound. */
  maxBytes?: number;
  /**
   * The body may end by the end of its connection alone: it has no length, is not chunked and not compressed. Nothing proves that such a
   * body is whole, so it fails at its end unless this is true.
   */
  mayEndWithConnection?: boolean;
}

export function mayArriveTwice({ method, idempotent }: HttpRequest): boolean {
  if (method === "GET" || method === "HEAD") return true;
  return idempotent ?? (method === "PUT" || method === "DELETE");
}
