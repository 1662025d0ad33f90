import type { Spend } from "../../provider.ts";
import type { BodyFormat } from "./ndjson.ts";
import type { HttpResponse } from "./response.ts";
import type { Verdict } from "./verdict.ts";

export interface HttpRequest {
  /** For messages: `page 3 of orders`. */
  doing: string;
  method: "GET" | "POST";
  /**
   * Absolute, or joined to the path of `baseUrl`; a link of an answer is made absolute against `response.url` first. Only `baseUrl`'s
   * origin and `allowedHosts` are asked, and every address is checked, on redirects too.
   */
  url: string;
  /** Replaces parameters of the same name in `url`; a name given twice is sent twice. */
  query?: readonly (readonly [name: string, value: string])[];
  json?: unknown;
  headers?: Record<string, string>;
  /** Of the answer; absent: as its content type says. */
  format?: BodyFormat | undefined;
  /** May be sent again after it may have arrived; a GET always may. What was refused with 401 is sent again with newer credentials. */
  idempotent?: boolean;
  /** What it takes of the source's limits, in place of what the client's `limit` says of all requests. */
  spends?: readonly Spend[];
  /** First word on an answer; null: the default map decides. */
  classify?: (response: HttpResponse) => Verdict | null | Promise<Verdict | null>;
}
