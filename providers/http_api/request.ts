import { TerminalError } from "../../core/errors.ts";
import type { HttpRequest } from "../lib/http/client.ts";
import type { QueryParameters } from "./config/primitives.ts";
import type { PageParameters } from "./paginators.ts";
import type { Resource } from "./resources.ts";
import { withValueAt } from "./selector.ts";
import { fill, fillBody, type Placeholders } from "./templates.ts";

type Request = Pick<HttpRequest, "method" | "url" | "query" | "json" | "headers" | "idempotent">;

/** @throws TerminalError source_response_invalid where the parent lacks what the path needs of it */
export function buildRequest(resource: Resource, values: Placeholders, page: PageParameters): Request {
  const { method, headers, idempotent } = resource;
  const body = method === "POST" ? { json: bodyOf(resource, values, page) } : {};
  if (page.url !== undefined) return { method, headers, idempotent, url: page.url, ...body };
  const url = fill(resource.path, values, encodeURIComponent);
  if (url === null) {
    throw new TerminalError(
      "source_response_invalid",
      `http_api: a record of ${resource.parent?.resource} lacks a field that the path of ${resource.name} needs. Correct its placeholders.`,
    );
  }
  return { method, headers, idempotent, url, query: queryOf(resource, values, page), ...body };
}

function queryOf(resource: Resource, values: Placeholders, page: PageParameters): [string, string][] {
  const { incremental } = resource;
  const bounds = incremental?.in === "query" ? boundsOf(resource) : [];
  return [
    ...filledParameters(resource.query, values),
    ...filledParameters(Object.fromEntries(bounds), values),
    ...(page.in === "query" ? page.parameters.map(([name, value]): [string, string] => [name, String(value)]) : []),
  ];
}

function filledParameters(parameters: QueryParameters, values: Placeholders): [string, string][] {
  return Object.entries(parameters).flatMap(([name, given]) =>
    [given].flat().flatMap((each): [string, string][] => {
      const value = fill(String(each), values, (text) => text);
      return value === null ? [] : [[name, value]];
    }),
  );
}

function bodyOf(resource: Resource, values: Placeholders, page: PageParameters): Record<string, unknown> {
  const { json = {}, incremental } = resource;
  const bounds = incremental?.in === "body" ? boundsOf(resource) : [];
  const template = bounds.reduce((body, [path, value]) => withValueAt(body, path, value), json);
  const filled = Object.fromEntries(Object.entries(template).map(([name, member]) => [name, fillBody(member, values)]));
  const parameters = page.in === "body" ? page.parameters : [];
  return parameters.reduce((body, [path, value]) => withValueAt(body, path, value), filled);
}

function boundsOf({ incremental }: Resource): [string, string][] {
  const { startParam, endParam } = incremental ?? {};
  return [
    ...(startParam === undefined ? [] : [[startParam, "{start}"] as [string, string]]),
    ...(endParam === undefined ? [] : [[endParam, "{end}"] as [string, string]]),
  ];
}
