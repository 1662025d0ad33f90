import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { WireFault } from "./faults.ts";
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

/** Pieces of an answer that drips, and the pause between two. */
const DRIPS = 8;
const DRIP_PAUSE_MS = 10;

/**
 * @param options.fault what the network does to it
 * @param options.healed the body stops in its middle until it is settled; null: it does not
 */
export function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: VendorAnswer,
  { fault, healed, now }: { fault: WireFault | null; healed: Promise<void> | null; now: number },
): void {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? null));
  const hasBody = status !== 204 && status !== 304;
  const length = bytes.length + (fault === "wrong_length" ? 7 : 0);
  response.writeHead(status, {
    ...(hasBody ? { "content-type": "application/json", "content-length": length } : {}),
    date: new Date(now).toUTCString(),
    ...headers,
  });
  const half = Math.floor(bytes.length / 2);
  if (!hasBody) response.end();
  else if (fault === "cut_body") response.write(bytes.subarray(0, half), () => response.destroy());
  else if (fault === "wrong_length") response.write(bytes, () => response.destroy());
  else if (fault === "slow_drip") drip(response, bytes).catch((error: unknown) => response.destroy(error as Error));
  else if (healed === null) response.end(bytes);
  else {
    response.write(bytes.subarray(0, half));
    void healed.then(() => response.end(bytes.subarray(half)));
  }
}

async function drip(response: ServerResponse, bytes: Buffer): Promise<void> {
  const size = Math.max(1, Math.ceil(bytes.length / DRIPS));
  for (let from = 0; from < bytes.length && !response.destroyed; from += size) {
    response.write(bytes.subarray(from, from + size));
    await sleep(DRIP_PAUSE_MS);
  }
  response.end();
}
