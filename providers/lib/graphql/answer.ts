import type { HttpResponse } from "../http/client.ts";
import { cellOf, isObject, type JsonObject, type JsonValue } from "../http/json.ts";
import type { GraphqlAnswer, GraphqlError } from "./ask.ts";

/** What an answer says besides data; null where it is no answer of GraphQL, such as a proxy's page. https://spec.graphql.org/October2021/#sec-Response-Format */
export function readAnswer(response: Pick<HttpResponse, "status" | "json" | "body">): GraphqlAnswer | null {
  if (!/^\s*\{/.test(response.body.toString("utf8", 0, 100))) return null;
  const body = response.json();
  if (!isObject(body)) return null;
  const { data, extensions } = body;
  return {
    status: response.status,
    errors: errorsIn(body.errors),
    data: isObject(data) ? data : null,
    extensions: isObject(extensions) ? extensions : {},
  };
}

function errorsIn(errors: JsonValue | undefined): GraphqlError[] {
  if (errors === undefined || errors === null) return [];
  return [errors].flat().map((error): GraphqlError => {
    if (!isObject(error)) return { message: textOf(error), code: null, path: null, extensions: {} };
    const extensions = isObject(error.extensions) ? error.extensions : {};
    return {
      message: textOf(error.message),
      code: typeof extensions.code === "string" ? extensions.code : null,
      path: Array.isArray(error.path) ? error.path.map((step) => textOf(step)).join(".") : null,
      extensions,
    };
  });
}

/** @returns 0 or more; null where there is no number */
export function numberAt(object: JsonObject, ...names: string[]): number | null {
  let value: JsonValue | undefined = object;
  for (const name of names) value = isObject(value) ? value[name] : undefined;
  const number = value === undefined || value === null ? Number.NaN : Number(cellOf(value));
  return Number.isFinite(number) && number >= 0 ? number : null;
}

export function textOf(value: JsonValue | undefined): string {
  return value === undefined ? "" : (cellOf(value) ?? "");
}
