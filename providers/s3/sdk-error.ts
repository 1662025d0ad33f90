import { retryAfterSeconds } from "../lib/http/retry-after.ts";

/** An answer that is no success, or one that cannot be read. */
export interface SdkError extends Error {
  /** The code of the XML answer, such as `NoSuchKey`; where there is none, the SDK's word or the status. */
  name: string;
  status: number;
  /** Where the bucket lies, where the answer says so. */
  region: string | null;
  /** The answer is a success, and nobody can read it. */
  isUnreadable: boolean;
  /** What was asked for is the mark of a deletion. */
  isDeleteMarker: boolean;
  /** When the server wants to be asked again, where it says so. */
  retryAfterSeconds: number | null;
}

export function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error && "status" in error && "isUnreadable" in error;
}

/**
 * What the SDK throws, as far as it matters here: its errors hold the answer in a member that is not enumerable.
 * @returns the error as it is where it comes from elsewhere, such as a socket
 */
export function toSdkError(error: unknown): unknown {
  if (!(error instanceof Error) || isSdkError(error)) return error;
  const answer: { statusCode?: number; headers?: Record<string, string> } = Reflect.get(error, "$response") ?? {};
  const metadata: { httpStatusCode?: number } = Reflect.get(error, "$metadata") ?? {};
  const status = metadata.httpStatusCode ?? answer.statusCode;
  if (status === undefined) return error;
  const region: unknown = Reflect.get(error, "Region");
  return createSdkError({
    ...{ status, headers: new Headers(answer.headers), code: codeOf(error), message: error.message, cause: error },
    region: typeof region === "string" ? region : null,
  });
}

function codeOf({ name }: Error): string | null {
  return name === "" || name === "Error" || name.startsWith("Unknown") ? null : name;
}

export function createSdkError(said: {
  status: number;
  headers: Headers;
  code: string | null;
  message: string;
  region: string | null;
  /** Of an answer that is a success. */
  unreadable?: string;
  cause?: unknown;
}): SdkError {
  const { status, headers, code, message, region, unreadable = "the answer is no XML of S3", cause } = said;
  const isUnreadable = status >= 200 && status < 300;
  return Object.assign(new Error(isUnreadable ? unreadable : message, { cause }), {
    ...{ name: code ?? String(status), status, isUnreadable },
    isDeleteMarker: headers.get("x-amz-delete-marker") === "true",
    retryAfterSeconds: retryAfterSeconds({ status, headers }),
    region: headers.get("x-amz-bucket-region") ?? region,
  });
}

/** Of an error's few elements. What is no XML has none of them. */
export function readErrorXml(text: string): { code: string | null; message: string; region: string | null } {
  const read = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? null;
  return { code: read("Code"), message: read("Message") ?? "", region: read("Region") };
}
