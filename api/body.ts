import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ValidationIssue } from "../core/errors.ts";
import type { AppEnv } from "./deps.ts";
import { invalid, invalidValue, MAX_ISSUES, refused } from "./errors.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** A body that is too large is still read so far: a client that is cut off while it sends never sees the answer. */
const MAX_DRAINED_BYTES = 16 * MAX_BODY_BYTES;
const MAX_DEPTH = 32;
/** Members and elements, at any depth: validators have something to say of each. The largest sync has fewer. */
const MAX_VALUES = 60_000;
/**
 * Of one list or object in the body: validators look at each before they say that there are too many. The longest list of the API has
 * 5,000. Of the body itself all that nobody knows is told at once.
 */
const MAX_MEMBERS = 6_000;
const NOT_TEXT = "Input should be text without NUL characters and lone surrogates";
const JSON_TYPE = /^application\/([\w.-]+\+)?json$/i;

/** In front of every route: whatever is wrong with a body as a whole is a 422, and nothing at all is `{}`. */
export const readJsonBody = createMiddleware<AppEnv>(async (c, next) => {
  if (c.req.method !== "POST" && c.req.method !== "PATCH" && c.req.method !== "PUT") return next();
  const bytes = await readBytes(c);
  requirePlain(c.req.header("content-encoding"));
  const text = decode(bytes);
  const body = text.trim() === "" ? {} : parse(c, text);
  const { issues, values } = inspect(body);
  if (issues.length > 0) throw refused(issues);
  if (values > MAX_VALUES) throw invalidValue(["body"], `The body has more than ${MAX_VALUES} values`);
  // zod-openapi answers a foreign or absent content type by itself, with texts of its own: it never sees one.
  const headers = new Headers(c.req.raw.headers);
  headers.set("content-type", "application/json");
  headers.delete("content-length");
  c.req.raw = new Request(c.req.url, { method: c.req.method, headers, body: JSON.stringify(body) });
  return next();
});

async function readBytes(c: Context): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of c.req.raw.body ?? []) {
      size += chunk.byteLength;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (size > MAX_DRAINED_BYTES) break;
    }
  } catch (cause) {
    throw malformed("The body was cut off", cause);
  }
  // What is left of it cannot be told from a next request.
  if (size > MAX_DRAINED_BYTES) c.header("connection", "close");
  if (size > MAX_BODY_BYTES) throw invalidValue(["body"], `The body is larger than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks);
}

function requirePlain(encoding = ""): void {
  if (/^(identity)?$/i.test(encoding.trim())) return;
  throw invalidValue(["header", "content-encoding"], "The body should not be compressed");
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed("The body is not UTF-8", cause);
  }
}

function parse(c: Context, text: string): unknown {
  const mediaType = c.req.header("content-type")?.split(";")[0]?.trim();
  if (mediaType !== undefined && mediaType !== "" && !JSON_TYPE.test(mediaType)) {
    throw invalidValue(["header", "content-type"], "Content type should be application/json");
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed("JSON decode error", cause);
  }
}

function malformed(msg: string, cause: unknown): Error {
  const error = invalid({ loc: ["body"], msg, type: "json_invalid" });
  error.cause = cause;
  return error;
}

/**
 * What Postgres cannot keep as text or jsonb, or nobody writes by hand: NUL, lone surrogates, 1e999, bottomless nesting, endless lists.
 * It stops where there is enough to refuse the body for.
 */
function inspect(body: unknown): { issues: ValidationIssue[]; values: number } {
  const issues: ValidationIssue[] = [];
  const loc: ValidationIssue["loc"] = ["body"];
  let values = 0;

  function report(msg: string, type = "value_error"): void {
    issues.push({ loc: [...loc], msg, type });
  }

  function visit(value: unknown): void {
    values++;
    if (values > MAX_VALUES || issues.length >= MAX_ISSUES) return;
    if (typeof value === "string" && !isStorable(value)) report(NOT_TEXT);
    // `1e999` is JSON; written again it would be null, which means something else.
    if (typeof value === "number" && !Number.isFinite(value))
      report("Input should be a finite number", "finite_number");
    if (typeof value === "object" && value !== null) visitMembers(value);
  }

  function visitMembers(value: object): void {
    const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    if (loc.length > MAX_DEPTH) report(`Input should be nested at most ${MAX_DEPTH} levels deep`);
    else if (loc.length > 1 && members.length > MAX_MEMBERS) {
      // Where that is more than a whole body may have, this is what is said.
      values += members.length;
      if (values <= MAX_VALUES) report(`Input should have at most ${MAX_MEMBERS} items`, "too_long");
    } else for (const [key, inner] of members) visitMember(key, inner);
  }

  function visitMember(key: string | number, value: unknown): void {
    if (typeof key === "number" || isStorable(key)) {
      loc.push(key);
      visit(value);
    } else {
      loc.push(key.toWellFormed().replaceAll("\0", ""));
      report(NOT_TEXT);
    }
    loc.pop();
  }

  visit(body);
  return { issues, values };
}

export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
