import createClient, { type Client } from "openapi-fetch";
import { type Fetch, withRetries } from "./retry.ts";
import type { paths } from "./schema.ts";

export interface SluiceClientOptions {
  /** Where the API is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  apiKey?: string;
  /** A JWT, or what gives a fresh one; asked before every request. */
  token?: string | (() => string | Promise<string>);
  /** Instead of the platform's. */
  fetch?: Fetch;
  /** How long a request is sent again while the API is away or asks for patience; 30 when absent, 0 for never. */
  retryForSeconds?: number;
}

/** Every operation of the API by method and path, with its types; resolves to `{data}` or `{error}`. */
export type SluiceClient = Client<paths>;

/** Nothing is sent until the first call. Each POST carries an Idempotency-Key, so that it can be sent again. */
export function createSluiceClient(options: SluiceClientOptions): SluiceClient {
  const { baseUrl, apiKey, token, fetch: send = fetch, retryForSeconds = 30 } = options;
  const client = createClient<paths>({
    baseUrl,
    fetch: withRetries((request) => send(request), retryForSeconds * 1000),
  });
  client.use({
    async onRequest({ request }) {
      if (apiKey !== undefined) request.headers.set("x-api-key", apiKey);
      if (token !== undefined) {
        request.headers.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
      }
      if (request.method === "POST" && !request.headers.has("idempotency-key")) {
        request.headers.set("idempotency-key", crypto.randomUUID());
      }
    },
  });
  return client;
}
