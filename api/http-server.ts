import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";

/** HTTP/1.1 as the API speaks it. What never becomes a request gets a clear answer too. */

/** A client that is slower than that has gone away, or means no good. */
const TIMEOUTS = { headersTimeout: 15_000, requestTimeout: 60_000 };

type Fetch = Parameters<typeof getRequestListener>[0];

/** @param hostname where no client says which: HTTP/1.0 need not */
export function createHttpServer(fetch: Fetch, hostname: string): Server {
  const listener = getRequestListener(fetch, { hostname, errorHandler: refuseTarget });
  const answers = new WeakMap<Duplex, ServerResponse>();
  // Node's own refusal of a request without Host has no body.
  const server = createServer({ ...TIMEOUTS, requireHostHeader: false }, (incoming, outgoing) => {
    answers.set(incoming.socket, outgoing);
    const fault = findHeaderFault(incoming);
    if (fault === null) {
      void listener(incoming, outgoing);
      return;
    }
    const body = refusalBody(fault);
    outgoing.writeHead(400, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      connection: "close",
    });
    outgoing.end(body);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket);
    const underWay = answer?.headersSent && !answer.writableFinished;
    if (error.code === "ECONNRESET" || !socket.writable || underWay) socket.destroy();
    else socket.end(refusalOf(error.code));
  });
  return server;
}

function findHeaderFault({ headersDistinct, httpVersion }: IncomingMessage): string | null {
  // Node would take the first of them, and whatever stands in front of us maybe another.
  if ((headersDistinct.host?.length ?? 0) > 1) return "The request has more than one Host header. Send one.";
  const lacksHost = headersDistinct.host === undefined && httpVersion !== "1.0";
  return lacksHost ? "The request has no Host header. HTTP/1.1 requires one." : null;
}

/** Of a target or a Host from which no URL can be made; the application answers for itself, whatever happens in it. */
function refuseTarget(error: unknown): Response {
  if (!(error instanceof RequestError)) {
    return Response.json({ detail: "Internal error.", code: "internal_error" }, { status: 500 });
  }
  const detail = "The request's target and its Host header do not make a URL.";
  return Response.json({ detail, code: "malformed_request" }, { status: 400 });
}

function refusalOf(code: string | undefined): string {
  const { status, detail } = REFUSALS[code ?? ""] ?? { status: 400, detail: "This is not an HTTP/1.1 request." };
  const body = refusalBody(detail);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

function refusalBody(detail: string): string {
  return JSON.stringify({ detail, code: "malformed_request" });
}

/** By Node's code of what it could not take. */
const REFUSALS: Record<string, { status: number; detail: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: "The address and the headers are larger than 16 KiB." },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: "The chunks of the body have too many extensions." },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: "The request did not arrive in time." },
};
