import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { EgressGuard } from "../lib/http/egress.ts";
import type { HttpMethod } from "../lib/http/method.ts";
import type { Transport } from "../lib/http/transport.ts";
import { createSdkError } from "./sdk-error.ts";

export type RequestHandler = Extract<S3ClientConfig["requestHandler"], { updateHttpClientConfig: unknown }>;
type SdkRequest = Parameters<RequestHandler["handle"]>[0];
type SdkResponse = Awaited<ReturnType<RequestHandler["handle"]>>["response"];

/**
 * Sends what the SDK has signed, over sockets that the egress policy has allowed. Nothing is followed or repeated here.
 */
export function createRequestHandler(guard: EgressGuard, transport: Transport): RequestHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request: SdkRequest) {
      const url = new URL(`${request.protocol}//${request.hostname}${request.port ? `:${request.port}` : ""}`);
      guard.check(url);
      const { status, headers, body } = await transport.exchange({
        ...{ url, method: request.method as HttpMethod, path: pathOf(request) },
        headers: { ...withoutHost(request.headers), "accept-encoding": "identity" },
        body: bodyOf(request),
      });
      const bytes = ownBytes(body);
      requireListing(request, { status, headers, bytes });
      return { response: toResponse(status, headers, bytes) };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

/** In a document of another kind the SDK finds no object: a page of a proxy, or nothing at all, would be an empty bucket. */
const [OBJECTS, VERSIONS] = ["ListBucketResult", "ListVersionsResult"];
/** Of the first element, behind declarations and comments. */
const ROOT = /^(?:\ufeff|\s|<\?[^>]*>|<!--[^>]*-->)*<(?:[\w.-]+:)?([\w.-]+)/;

/** @throws SdkError where an answer that should be a page of a listing is none; what says that it is an error is left to the SDK */
function requireListing(
  { method, query = {} }: SdkRequest,
  { status, headers, bytes }: { status: number; headers: Headers; bytes: Buffer },
): void {
  const wanted = "list-type" in query ? OBJECTS : "versions" in query ? VERSIONS : null;
  if (wanted === null || method !== "GET" || status !== 200) return;
  const [, root] = ROOT.exec(bytes.toString("utf8", 0, ROOT_BYTES)) ?? [];
  if (root === "Error") return;
  const refuse = (unreadable?: string): Error =>
    createSdkError({ status, headers, code: null, message: "", region: null, ...(unreadable && { unreadable }) });
  if (root !== wanted) throw refuse();
  const [, isTruncated = "false"] = IS_TRUNCATED.exec(bytes.toString("latin1")) ?? [];
  if (isTruncated !== "true" && isTruncated !== "false") throw refuse("IsTruncated is neither true nor false");
}

const ROOT_BYTES = 4096;
/** To the SDK, any other word than `true` says that this page is the last one. */
const IS_TRUNCATED = /<(?:[\w.-]+:)?IsTruncated>([^<]*)</;

/** As it was signed. */
function pathOf({ path, query = {} }: SdkRequest): string {
  const given = Object.entries(query).flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value) =>
        typeof value === "string" ? `${percentEncode(name)}=${percentEncode(value)}` : percentEncode(name),
      ),
  );
  return given.length === 0 ? path : `${path}?${given.join("&")}`;
}

/** `encodeURIComponent` leaves five characters that a signature has escaped. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The socket's own address goes with it. */
function withoutHost(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "host"));
}

function bodyOf({ body }: SdkRequest): string | Buffer | null {
  if (body === undefined || body === null || body === "") return null;
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError("the requests of this connector have no body that is a stream");
}

/** A large one lies in memory that others wait for. */
function ownBytes({ bytes, letGo }: { bytes: Buffer; letGo: (() => void) | null }): Buffer {
  if (letGo === null) return bytes;
  const own = Buffer.from(bytes);
  letGo();
  return own;
}

function toResponse(statusCode: number, headers: Headers, body: Buffer): SdkResponse {
  return { statusCode, headers: Object.fromEntries(headers), body } as SdkResponse;
}
