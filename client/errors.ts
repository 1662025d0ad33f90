import type { ApiError, ValidationError, ValidationIssue } from "./schema.ts";

/** What the API answered instead of what was asked for. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly status: number;
  /** For programs, such as `run_active`. `validation_failed` for a 422; null when it was not Sluice that answered. */
  readonly code: string | null;
  /** What a 422 found, empty otherwise. */
  readonly issues: readonly ValidationIssue[];
  /** As it came, with what the code brings along, such as `activeRunId`; text when it was no JSON. */
  readonly body: unknown;
  /** Names the request in the server's log. */
  readonly requestId: string | null;

  constructor(response: Response, body: unknown) {
    const { code, issues, detail } = describe(body);
    super(`Sluice answered ${response.status}${code === null ? "" : ` ${code}`}: ${detail}`);
    this.status = response.status;
    this.code = code;
    this.issues = issues;
    this.body = body;
    this.requestId = response.headers.get("x-request-id");
  }
}

export function isSluiceError(error: unknown, code?: string): error is SluiceError {
  return error instanceof SluiceError && (code === undefined || error.code === code);
}

/** The run that is in the way of a trigger or retry (`run_active`), or null when that is not what `error` says. */
export function activeRunIdOf(error: unknown): string | null {
  if (!isSluiceError(error, "run_active") || !isObject(error.body)) return null;
  return typeof error.body.activeRunId === "string" ? error.body.activeRunId : null;
}

/** What every call of the client resolves to. */
export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The data of a call, for whom an error is an exception: `const sync = await unwrap(sluice.GET(...))`.
 * @throws SluiceError
 */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new SluiceError(response, error);
  // Absent for a 204 only, and then `T` is undefined.
  return data as T;
}

function describe(body: unknown): { code: string | null; issues: ValidationIssue[]; detail: string } {
  if (isValidationError(body)) {
    const detail = body.detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
    return { code: "validation_failed", issues: body.detail, detail };
  }
  if (isApiError(body)) return { code: body.code, issues: [], detail: body.detail };
  return { code: null, issues: [], detail: String(body ?? "").slice(0, 256) || "nothing" };
}

function isValidationError(body: unknown): body is ValidationError {
  return isObject(body) && Array.isArray(body.detail);
}

function isApiError(body: unknown): body is ApiError {
  return isObject(body) && typeof body.detail === "string" && typeof body.code === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
