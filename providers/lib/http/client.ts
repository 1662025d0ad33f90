import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { EgressPolicy, SharedConnection } from "../../provider.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import type { HttpResponse } from "./response.ts";
import type { Verdict } from "./verdict.ts";

export type { HttpResponse } from "./response.ts";
export type { Verdict } from "./verdict.ts";

export interface HttpClient {
  /** One logical request: admitted by the limiter, authenticated, retried, capped, classified. @throws ProviderError */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Has a byte arrived since the last call, while a request is in flight? (`Source.probe`) */
  isMoving(): boolean;
  close(): Promise<void>;
}

export interface HttpRequest {
  /** For messages: `page 3 of orders`. */
  doing: string;
  method: "GET" | "POST";
  /**
   * Absolute (a link: make it so by `new URL(link, response.url)`), or joined to the path of `baseUrl`. Only `baseUrl`'s origin and
   * `allowedHosts` are asked; every address is checked, on redirects too.
   */
  url: string;
  /** Replaces parameters of the same name in `url`; a name given twice is sent twice. */
  query?: readonly (readonly [name: string, value: string])[];
  json?: unknown;
  headers?: Record<string, string>;
  /** May be sent again after it may have arrived; a GET always may. */
  idempotent?: boolean;
  /** First word on an answer; null: the default map decides. */
  classify?: (response: HttpResponse) => Verdict | null;
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
  limit?: { bucket: string; perSecond: number; burst: number; concurrency: number } | null;
  /** Host names and `*.suffix` patterns that belong to the source besides `baseUrl`'s: links may point there, and credentials go there. */
  allowedHosts?: string[];
  shared: SharedConnection;
  egress: EgressPolicy;
  signal: AbortSignal;
  /** PEM; trusted besides the well-known authorities. */
  tlsRootCert?: string;
  /** All addresses of a host name; the system's resolver. */
  resolve?: (hostName: string) => Promise<string[]>;
}

/** Opens no connection before the first request. @throws TerminalError source_address_refused for a `baseUrl` that may not be asked */
export declare function createHttpClient(options: HttpClientOptions): HttpClient;
