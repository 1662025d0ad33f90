import type { z } from "zod";
import { isPlainPath } from "../../lib/rest/selector.ts";
import { asksForWindow, parentFieldsIn, usesWindow } from "../../lib/rest/templates.ts";
import { FORMAT_NAMES, isTimeFormat } from "../../lib/rest/time-format.ts";
import type { ResourceConfig } from "./resource.ts";

interface Declared {
  resources: ResourceConfig[];
}

/** What one field cannot say alone. */
export function checkResources({ resources }: Declared, context: z.RefinementCtx): void {
  const byName = new Map(resources.map((resource) => [resource.name, resource]));
  for (const [index, resource] of resources.entries()) {
    const issue = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: "custom", path: ["resources", index, ...path], message });
    };
    if (byName.get(resource.name) !== resource) issue(["name"], `'${resource.name}' is declared twice`);
    checkKey(resource, issue);
    checkRequest(resource, issue);
    checkIncremental(resource, issue);
    checkParent(resource, byName, issue);
  }
}

type Report = (path: (string | number)[], message: string) => void;

function checkKey(resource: ResourceConfig, issue: Report): void {
  for (const [i, path] of resource.primaryKey.entries()) {
    if (!isPlainPath(path)) issue(["primaryKey", i], "A key field cannot stand for several values");
  }
  if (resource.loadMode === "upsert" && resource.primaryKey.length === 0) {
    issue(["primaryKey"], "Load mode upsert needs a primaryKey");
  }
  for (const path of Object.keys(resource.fields)) {
    if (!isPlainPath(path)) issue(["fields", path], "A column cannot stand for several values");
  }
}

function checkRequest(resource: ResourceConfig, issue: Report): void {
  if (resource.json !== undefined && resource.method !== "POST") issue(["json"], "Only a POST has a body");
  const { paginator, incremental, parent } = resource;
  const inBody = paginator && "in" in paginator && paginator.in === "body";
  if (inBody && resource.method !== "POST") issue(["paginator", "in"], "Only a POST has a body");
  if (!parent && parentFieldsIn(resource).length > 0)
    issue(["parent"], "A placeholder names a parent, and there is none");
  if (!incremental && usesWindow(resource)) issue(["incremental"], "A placeholder names a window, and there is none");
  for (const [i, rule] of resource.errorRules.entries()) {
    const { status, path, contains, redirected } = rule;
    if (status === undefined && path === undefined && contains === undefined && redirected !== true) {
      issue(["errorRules", i], "A rule needs status, path, contains or redirected");
    }
    if (rule.equals !== undefined && rule.path === undefined) {
      issue(["errorRules", i, "equals"], "There is no path whose value could equal this");
    }
  }
}

function checkIncremental(resource: ResourceConfig, issue: Report): void {
  const { incremental, method } = resource;
  if (!incremental) return;
  for (const name of ["format", "cursorFormat"] as const) {
    const format = incremental[name];
    if (format !== undefined && !isTimeFormat(format)) {
      issue(["incremental", name], `Unknown format: use ${FORMAT_NAMES}`);
    }
  }
  if (!isPlainPath(incremental.cursorField)) {
    issue(["incremental", "cursorField"], "A cursor cannot stand for several values");
  }
  if (incremental.windowStep !== undefined && incremental.initial === undefined) {
    issue(["incremental", "initial"], "Steps need to begin somewhere: give initial");
  }
  if (incremental.windowStep !== undefined && !asksForWindow(resource)) {
    issue(["incremental", "windowStep"], "The API cannot be asked for a window: give startParam and endParam");
  }
  if (incremental.in === "body" && method !== "POST") issue(["incremental", "in"], "Only a POST has a body");
}

function checkParent(resource: ResourceConfig, byName: Map<string, ResourceConfig>, issue: Report): void {
  const problem = findParentProblem(resource, byName);
  if (problem !== null) issue(["parent", "resource"], problem);
}

function findParentProblem(resource: ResourceConfig, byName: Map<string, ResourceConfig>): string | null {
  const seen = new Set([resource.name]);
  for (let name = resource.parent?.resource; name !== undefined; name = byName.get(name)?.parent?.resource) {
    if (!byName.has(name)) return `There is no resource '${name}'`;
    if (seen.has(name)) return "Parents go round in a circle";
    seen.add(name);
  }
  return null;
}
