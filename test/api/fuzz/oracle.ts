import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Json } from "../harness.ts";
import type { Operation } from "./document.ts";
import type { FuzzRequest } from "./requests.ts";

export interface FuzzAnswer {
  status: number;
  headers: Headers;
  text: string;
  ms: number;
}

const PATIENCE_MS = 2_000;
/** What a message for people never holds. */
const INSIDES = /\bat (?:async )?\S+ \(|node_modules|\.ts:\d|\bselect .+ from\b|violates|relation "|hunter2/i;

export interface Oracle {
  /** Everything that is wrong with the answer, for people; empty when nothing is. */
  judge(request: FuzzRequest, answer: FuzzAnswer): string[];
}

/** What holds of every answer, whatever the question. Schemas are compiled once. */
export function createOracle(document: Json): Oracle {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  addFormats.default(ajv);
  ajv.addSchema(document, "document");
  const compiled = new Map<string, ValidateFunction>();

  function validatorOf(operation: Operation, status: number): ValidateFunction | null {
    if (!operation.responses[status]?.content?.["application/json"]) return null;
    const steps = ["paths", operation.path, operation.method.toLowerCase(), "responses", String(status)];
    const pointer = [...steps, "content", "application/json", "schema"].map(escapePointer).join("/");
    const known = compiled.get(pointer) ?? ajv.compile({ $ref: `document#/${pointer}` });
    compiled.set(pointer, known);
    return known;
  }

  return {
    judge(request, { status, headers, text, ms }) {
      const { operation } = request;
      const wrong: string[] = [];
      if (ms > PATIENCE_MS) wrong.push(`took ${Math.round(ms)} ms`);
      if (status >= 500) wrong.push(`a ${status}`);
      if (!(status in operation.responses)) wrong.push("the status is not documented");
      if (status === 204) return text === "" ? wrong : [...wrong, "a 204 with a body"];
      if (!headers.get("content-type")?.startsWith("application/json")) return [...wrong, "not JSON"];
      if (!headers.get("x-request-id")) wrong.push("without a request id");
      const body: Json = JSON.parse(text);
      const fits = validatorOf(operation, status);
      if (fits === null) wrong.push("no schema for a body");
      else if (!fits(body)) wrong.push(`unlike its schema: ${ajv.errorsText(fits.errors)}`);
      if (status >= 400 && INSIDES.test(text)) wrong.push("shows its insides");
      if (status === 422) wrong.push(...body.detail.flatMap((item: Json) => misplaced(request, item)));
      if (status === 201 && !headers.get("location")?.endsWith(`/${body.id}`))
        wrong.push("no Location of what was made");
      return wrong;
    },
  };
}

function escapePointer(step: string): string {
  return encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** Is the place that an item of a 422 names one that is there, or, for `missing`, one that is not? */
function misplaced({ operation, body }: FuzzRequest, { loc, type, msg }: Json): string[] {
  const [room, ...path]: (string | number)[] = loc;
  const wrong = [`${JSON.stringify(loc)} ${type} (${msg}) is no place in the request`];
  const named = (place: string) =>
    operation.parameters.some((each) => each.in === place && each.name.toLowerCase() === String(path[0]).toLowerCase());
  switch (room) {
    case "path":
    case "query":
      return named(room) ? [] : wrong;
    case "header":
      return named(room) || path[0] === "content-type" ? [] : wrong;
    case "body": {
      // Of what is no JSON nothing can be said but that.
      if (body?.json === undefined)
        return path.length === 0 || type === "missing" || type === "value_error" ? [] : wrong;
      const here = lookUp(body.json, path);
      if (type === "missing") return here.exists ? wrong : [];
      // A rule about several fields, or about what is stored, may name one that was left out.
      return here.exists || (type === "value_error" && lookUp(body.json, path.slice(0, -1)).exists) ? [] : wrong;
    }
    default:
      return wrong;
  }
}

function lookUp(value: unknown, path: readonly (string | number)[]): { exists: boolean } {
  const [key, ...rest] = path;
  if (key === undefined) return { exists: true };
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return { exists: false };
  return lookUp(Reflect.get(value, key), rest);
}
