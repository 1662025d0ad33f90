import type { Json } from "../harness.ts";

/** The OpenAPI document, as far as fuzzing asks it. */

export interface Parameter {
  name: string;
  in: "query" | "path" | "header" | "cookie";
  required: boolean;
  schema: Json;
}

export interface Operation {
  id: string;
  method: string;
  /** With `{names}`. */
  path: string;
  parameters: Parameter[];
  /** Null: it takes none. */
  body: Json | null;
  responses: Json;
}

export function operationsOf(document: Json): Operation[] {
  return Object.entries(document.paths as Json).flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content["application/json"].schema ?? null,
      responses: operation.responses,
    })),
  );
}

/** `schema`, or what its `$ref` points to. */
export function resolve(document: Json, schema: Json): Json {
  if (typeof schema.$ref !== "string") return schema;
  const name = schema.$ref.replace("#/components/schemas/", "");
  return resolve(document, document.components.schemas[name]);
}
