import { createHash } from "node:crypto";
import type { VendorAnswer } from "../simulator.ts";

/** As Graph says what is wrong: https://learn.microsoft.com/graph/errors */
export function graphError(
  status: number,
  code: string,
  message: string,
  more: { headers?: Record<string, string>; innerCode?: string } = {},
): VendorAnswer {
  const requestId = guidOf(`${status} ${code} ${message}`);
  const inner = more.innerCode === undefined ? {} : { code: more.innerCode };
  return {
    status,
    headers: { "request-id": requestId, "client-request-id": requestId, ...more.headers },
    body: {
      error: {
        code,
        message,
        innerError: { ...inner, date: "2026-01-10T12:00:00", "request-id": requestId, "client-request-id": requestId },
      },
    },
  };
}

export const notFound = (): VendorAnswer => graphError(404, "itemNotFound", "The resource could not be found.");
export const denied = (): VendorAnswer => graphError(403, "accessDenied", "Access denied");
export const locked = (): VendorAnswer => graphError(423, "resourceLocked", "The file is locked by another user.");
export const badRequest = (message: string): VendorAnswer => graphError(400, "invalidRequest", message);

/** The same for the same text. */
export function guidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** A whole number from 0 to `below` - 1, the same for the same text: what varies must not vary when it is asked for again. */
export function numberOf(text: string, below: number): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) % below;
}
