import { cellOf, isObject, type JsonObject } from "../http/json.ts";
import type { IncrementalConfig, ResourceConfig } from "./resource.ts";
import { selectOne } from "./selector.ts";

const PLACEHOLDER = /\{(start|end|parent\.([^{}]+))\}/g;

/** What placeholders stand for in one request. Null: there is no such bound, or no such parent. */
export interface Placeholders {
  start: string | null;
  end: string | null;
  parent: JsonObject | null;
}

type Templated = Pick<ResourceConfig, "path" | "query" | "json">;

/** Paths of the parent's fields that the request of a resource names, each once. */
export function parentFieldsIn(resource: Templated): string[] {
  return [...new Set(placeholdersOf(resource).flatMap(([, , field]) => field ?? []))];
}

export function usesWindow(resource: Templated): boolean {
  return usesBound(resource, "start") || usesBound(resource, "end");
}

type Bounded = Templated & { incremental?: IncrementalConfig | undefined };

/** The source can be asked for what is new; otherwise older records have to be left out here. */
export function asksForStart(resource: Bounded): boolean {
  return resource.incremental?.startParam !== undefined || usesBound(resource, "start");
}

/** The source can be asked for a window. */
export function asksForWindow(resource: Bounded): boolean {
  return asksForStart(resource) && (resource.incremental?.endParam !== undefined || usesBound(resource, "end"));
}

function usesBound(resource: Templated, bound: "start" | "end"): boolean {
  return placeholdersOf(resource).some(([, name]) => name === bound);
}

/** @returns null where a placeholder has no value */
export function fill(template: string, values: Placeholders, encode: (text: string) => string): string | null {
  let complete = true;
  const filled = template.replace(PLACEHOLDER, (_, name: string, field: string | undefined) => {
    const value = name === "start" ? values.start : name === "end" ? values.end : scalarAt(values.parent, field);
    if (value === null) complete = false;
    return encode(value ?? "");
  });
  return complete ? filled : null;
}

/** Values are encoded, so that each stays within its segment. @returns null where a placeholder has no value */
export function fillPath(path: string, values: Placeholders): string | null {
  return fill(path, values, encodeURIComponent);
}

/** Strings within a body; a member whose placeholder has no value is left out. */
export function fillBody(template: unknown, values: Placeholders): unknown {
  if (typeof template === "string") return fill(template, values, (text) => text) ?? undefined;
  if (Array.isArray(template)) {
    return template.map((element) => fillBody(element, values)).filter((element) => element !== undefined);
  }
  if (typeof template !== "object" || template === null) return template;
  const members = Object.entries(template).map(([name, member]) => [name, fillBody(member, values)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** Scalar at `field` as text; null where there is none. */
export function scalarAt(parent: JsonObject | null, field: string | undefined): string | null {
  const value = parent === null || field === undefined ? undefined : selectOne(parent, field);
  return Array.isArray(value) || isObject(value) ? null : cellOf(value);
}

function placeholdersOf({ path, query, json }: Templated): RegExpMatchArray[] {
  const texts = [path, ...Object.values(query).flat().map(String), JSON.stringify(json ?? {})];
  return texts.flatMap((text) => [...text.matchAll(PLACEHOLDER)]);
}
