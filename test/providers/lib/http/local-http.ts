import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { createRedactor } from "../../../../core/redact.ts";
import { noAuth } from "../../../../providers/lib/http/auth/fixed.ts";
import { createHttpClient, type HttpClient, type HttpClientOptions } from "../../../../providers/lib/http/client.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../../support/shared-connection.ts";

export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface LocalHttp {
  /** `http://127.0.0.1:<port>`. */
  origin: string;
  port: number;
  /** In order of arrival. */
  received: Received[];
}

export type Handler = (request: Received, response: ServerResponse, raw: IncomingMessage) => unknown;

/** A server of this test, on 127.0.0.1. */
export async function serve(handler: Handler, tls?: { certificate: string; key: string }): Promise<LocalHttp> {
  const received: Received[] = [];
  const listener = async (raw: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = raw;
    const request = { method, url, headers, body: await text(raw) };
    received.push(request);
    await handler(request, response, raw);
  };
  const server = tls
    ? createTlsServer({ cert: tls.certificate, key: tls.key }, (raw, response) => void listener(raw, response))
    : createServer((raw, response) => void listener(raw, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `${tls ? "https" : "http"}://127.0.0.1:${port}`, port, received };
}

/** A client of this test, which may reach this machine. */
export function openClient(options: Partial<HttpClientOptions> & { baseUrl: string }): HttpClient {
  const client = createHttpClient({
    provider: "http_api",
    auth: noAuth(),
    redactor: createRedactor(),
    shared: createSharedConnection(),
    egress: LOOPBACK_EGRESS,
    signal: new AbortController().signal,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

export const GET = { doing: "page 1 of orders", method: "GET", url: "orders" } as const;

export function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}
