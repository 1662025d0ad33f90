import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ValidationIssue } from "../core/errors.ts";
import { MAX_ISSUES, refused } from "./errors.ts";

/** Zod's findings in the words of pydantic, which clients of the reference know. */

type ZodIssue = z.core.$ZodIssue;
type Wording = Pick<ValidationIssue, "msg" | "type">;

const LOCATION_OF = {
  json: "body",
  form: "body",
  query: "query",
  param: "path",
  header: "header",
  cookie: "cookie",
} as const;

const TYPE_WORDING: Record<string, Wording> = {
  string: { type: "string_type", msg: "Input should be a valid string" },
  int: { type: "int_type", msg: "Input should be a valid integer" },
  // zod says so of an integer too, and every number of this API is one.
  number: { type: "int_type", msg: "Input should be a valid integer" },
  boolean: { type: "bool_type", msg: "Input should be a valid boolean" },
  array: { type: "list_type", msg: "Input should be a valid list" },
  object: { type: "dict_type", msg: "Input should be a valid object" },
  record: { type: "dict_type", msg: "Input should be a valid object" },
};

const FORMAT_WORDING: Record<string, Wording> = {
  guid: { type: "uuid_parsing", msg: "Input should be a valid UUID" },
  datetime: { type: "datetime_parsing", msg: "Input should be a valid RFC 3339 instant with an offset" },
};

/** Every validator's hook: turns what zod found into the one 422. */
export function refuseInvalid(
  result: { target: keyof typeof LOCATION_OF } & ({ success: true } | { success: false; error: z.core.$ZodError }),
  _context: Context,
): void {
  if (result.success) return;
  const input = "data" in result ? result.data : undefined;
  throw refused(describeIssues(result.error, [LOCATION_OF[result.target]], input));
}

/**
 * @param prefix where `input` was found, such as `["body", "sourceConfig"]`
 * @param input what was parsed: tells a missing value from one of the wrong type
 */
export function describeIssues(
  error: z.core.$ZodError,
  prefix: ValidationIssue["loc"],
  input: unknown,
): ValidationIssue[] {
  // A value that breaks several rules is told of once, by the narrowest: an empty path is too short, and no path either.
  const items = new Map<string, ValidationIssue>();
  for (const issue of error.issues) {
    for (const item of itemsOf(issue, prefix, input)) {
      items.set(JSON.stringify(item.loc), item);
      if (items.size >= MAX_ISSUES) return [...items.values()];
    }
  }
  return [...items.values()];
}

function itemsOf(issue: ZodIssue, prefix: ValidationIssue["loc"], input: unknown): ValidationIssue[] {
  const loc = [...prefix, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, MAX_ISSUES).map((key) => ({
      loc: [...loc, key],
      msg: "Extra inputs are not permitted",
      type: "extra_forbidden",
    }));
  }
  return [{ loc, ...wordingOf(issue, isMissing(input, issue.path), prefix[0] !== "body") }];
}

function wordingOf(issue: ZodIssue, missing: boolean, fromText: boolean): Wording {
  if (missing && issue.code !== "custom") return { type: "missing", msg: "Field required" };
  switch (issue.code) {
    case "invalid_type":
      if (fromText && (issue.expected === "number" || issue.expected === "int")) {
        return { type: "int_parsing", msg: "Input should be a valid integer, unable to parse string as an integer" };
      }
      return TYPE_WORDING[issue.expected] ?? valueError(issue.message);
    case "invalid_value":
      return { type: "enum", msg: `Input should be ${alternatives(issue.values)}` };
    case "invalid_format":
      return FORMAT_WORDING[issue.format] ?? { type: "string_pattern_mismatch", msg: issue.message };
    case "too_small":
      return boundWording(issue.origin, Number(issue.minimum), "least");
    case "too_big":
      return boundWording(issue.origin, Number(issue.maximum), "most");
    case "invalid_key": {
      const [first] = issue.issues;
      return first === undefined ? valueError(issue.message) : wordingOf(first, false, fromText);
    }
    case "custom":
      return { type: typeof issue.params?.type === "string" ? issue.params.type : "value_error", msg: issue.message };
    default:
      return valueError(issue.message);
  }
}

function boundWording(origin: string, bound: number, side: "least" | "most"): Wording {
  const plural = bound === 1 ? "" : "s";
  const size = side === "least" ? "short" : "long";
  if (origin === "string") {
    return { type: `string_too_${size}`, msg: `String should have at ${side} ${bound} character${plural}` };
  }
  if (origin === "array" || origin === "record" || origin === "set") {
    return { type: `too_${size}`, msg: `Input should have at ${side} ${bound} item${plural}` };
  }
  return side === "least"
    ? { type: "greater_than_equal", msg: `Input should be greater than or equal to ${bound}` }
    : { type: "less_than_equal", msg: `Input should be less than or equal to ${bound}` };
}

function valueError(msg: string): Wording {
  return { type: "value_error", msg };
}

/** `'a', 'b' or 'c'` */
function alternatives(values: readonly unknown[]): string {
  const quoted = values.map((value) => `'${String(value)}'`);
  const last = quoted.pop() ?? "";
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}

/** Is there no key at the end of `path`? A place that only exists after a transformation is not missing. */
function isMissing(input: unknown, path: readonly PropertyKey[]): boolean {
  let value = input;
  for (const part of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) !== (typeof part === "number"))
      return false;
    if (!Object.hasOwn(value, part)) return true;
    value = Reflect.get(value, part);
  }
  return value === undefined;
}
