/** What the SDK throws for an answer, as far as it matters here. */
export interface SdkError extends Error {
  /** The code of the XML answer, such as `NoSuchKey`; where there is none, the SDK's word or the status. */
  name: string;
  status: number;
  /** Where the bucket lies, where the answer says so. */
  region: string | null;
  /** The answer is a success, and the SDK cannot read it. */
  isUnreadable: boolean;
}

/** Errors of the SDK hold the answer in a member that is not enumerable; `cause` keeps the original. */
export function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error && "status" in error && "isUnreadable" in error;
}

/** @returns the error as it is where it comes from elsewhere, such as a socket */
export function toSdkError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const answer: { statusCode?: number; headers?: Record<string, string> } = Reflect.get(error, "$response") ?? {};
  const metadata: { httpStatusCode?: number } = Reflect.get(error, "$metadata") ?? {};
  const status = metadata.httpStatusCode ?? answer.statusCode;
  if (status === undefined) return error;
  const region: unknown = answer.headers?.["x-amz-bucket-region"] ?? Reflect.get(error, "Region");
  const isUnreadable = status >= 200 && status < 300;
  return Object.assign(new Error(isUnreadable ? "the answer is no XML of S3" : error.message, { cause: error }), {
    name: codeOf(error, status),
    ...{ status, isUnreadable },
    region: typeof region === "string" ? region : null,
  });
}

function codeOf({ name }: Error, status: number): string {
  return name === "" || name === "Error" || name.startsWith("Unknown") ? String(status) : name;
}
