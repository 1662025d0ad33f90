import type { IncomingMessage, ServerResponse } from "node:http";
import type { VendorAnswer, VendorRequest } from "./vendor.ts";

/** @param target the path and query below the vendor's own */
export async function readRequest(
  request: IncomingMessage,
  target: string,
  to: VendorRequest["to"],
): Promise<VendorRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(target, "http://127.0.0.1");
  const body = bodyOf(Buffer.concat(chunks), request.headers["content-type"] ?? "application/json");
  const { method = "", headers } = request;
  return { method, path: url.pathname, query: url.searchParams, headers, body, to };
}

function bodyOf(bytes: Buffer, contentType: string): unknown {
  if (bytes.length === 0) return null;
  if (contentType.startsWith("application/x-www-form-urlencoded"))
    return Object.fromEntries(new URLSearchParams(bytes.toString()));
  if (contentType.startsWith("application/json")) return JSON.parse(bytes.toString());
  return contentType.startsWith("text/") ? bytes.toString() : bytes;
}

/**
 * @param options.isCut the connection breaks off in the middle of the body
 * @param options.healed the body stops in its middle until it is settled; null: it does not
 */
export function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: VendorAnswer,
  { isCut, healed, now }: { isCut: boolean; healed: Promise<void> | null; now: number },
): void {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? null));
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": bytes.length,
    date: new Date(now).toUTCString(),
    ...headers,
  });
  const half = Math.floor(bytes.length / 2);
  if (isCut) response.write(bytes.subarray(0, half), () => response.destroy());
  else if (healed === null) response.end(bytes);
  else {
    response.write(bytes.subarray(0, half));
    void healed.then(() => response.end(bytes.subarray(half)));
  }
}
