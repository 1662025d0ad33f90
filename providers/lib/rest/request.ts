import { TerminalError } from "../../../core/errors.ts";
import type { HttpRequest } from "../http/client.ts";
import { cellOf } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { PageParameters } from "./paginator.ts";
import type { QueryParameters } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { withValueAt } from "./selector.ts";
import { fill, fillBody, fillPath, type Placeholders } from "./templates.ts";

type Request = Pick<HttpRequest, "method" | "url" | "query" | "json" | "headers" | "idempotent" | "format">;

const ACCEPT_LINES = { accept: "application/x-ndjson, application/json" };

/** @throws TerminalError config_invalid where the path needs a bound that is not there */
export function buildRequest(resource: Resource, values: Placeholders, page: PageParameters): Request {
  const { method, idempotent, format } = resource;
  const headers = { ...(format === "ndjson" ? ACCEPT_LINES : {}), ...resource.headers };
  const body = method === "POST" ? { json: bodyOf(resource, values, page) } : {};
  const common = { method, headers, idempotent, format, ...body };
  if (page.url !== undefined) return { ...common, url: page.url };
  // Parents that lack a value are refused before, see `parents.ts`.
  const url = fillPath(resource.path, values);
  if (url === null) {
    throw new TerminalError(
      "config_invalid",
      `${resource.provider}: the path of ${resource.name} needs the bounds of a window, and this read has none.`,
      { fix: WRITERS_FIXES.initial.written },
    );
  }
  return { ...common, url, query: queryOf(resource, values, page) };
}

function queryOf(resource: Resource, values: Placeholders, page: PageParameters): [string, string][] {
  const { incremental } = resource;
  const bounds = incremental?.in === "query" ? boundsOf(resource) : [];
  const ofPage = page.in === "query" ? page.parameters : [];
  const names = new Set(ofPage.map(([name]) => name));
  const own = [...filledParameters(resource.query, values), ...filledParameters(Object.fromEntries(bounds), values)];
  // Of one parameter twice, many sources take the first.
  return [
    ...own.filter(([name]) => !names.has(name)),
    ...ofPage.map(([name, value]): [string, string] => [name, cellOf(value) ?? ""]),
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
