import { mapSideBySide } from "../../../core/side-by-side.ts";
import type { SourceCheck } from "../../provider.ts";
import { reportCheck } from "../checks.ts";
import type { HttpClient } from "../http/client.ts";
import { type ReadContext, readPages, type Take } from "./pages.ts";
import { START } from "./position.ts";
import type { Resource, Resources } from "./resources.ts";
import { spanOf } from "./steps.ts";

interface CheckedSource {
  client: HttpClient;
  resources: Resources;
}

/** A check has seconds, and every resource costs a request. */
const MOST_RESOURCES = 10;
const AT_ONCE = 4;

/**
 * With the connection's credentials: `checkPath`, and the first page of resources that stand alone, since a child needs its
 * parents first. A resource that fails beside others that do not is at fault alone.
 */
export async function checkApi(source: CheckedSource, path: string | undefined): Promise<SourceCheck[]> {
  const asked = path === undefined ? null : await reportCheck("read", () => checkPath(source.client, path));
  if (asked !== null && !asked.ok) return [asked];
  const checks = await checkResources(source);
  const failed = checks.filter((check) => !check.ok);
  const connection = asked ?? checks.find((check) => check.ok) ?? failed[0];
  if (connection === undefined) throw new Error("A connection without resources passed its schema.");
  const { name: _, message, fix, ok } = connection;
  const read = { name: "read", ok, message, fix };
  return ok ? [read, ...failed] : [read];
}

async function checkResources({ client, resources }: CheckedSource): Promise<SourceCheck[]> {
  const all = resources.names.map((name) => resources.get(name)).filter(({ nested }) => nested === undefined);
  const alone = all.filter((resource) => resource.parent === undefined);
  const chosen = (alone.length > 0 ? alone : all).slice(0, MOST_RESOURCES);
  return mapSideBySide(chosen, AT_ONCE, async (resource) => {
    const check = await reportCheck(`read ${resource.name}`, () => checkResource({ client, resources }, resource));
    return { ...check, entityKey: resource.name };
  });
}

async function checkPath(client: HttpClient, path: string): Promise<string> {
  const { status, letGo } = await client.send({ doing: "the connection check", method: "GET", url: path });
  letGo();
  return `${path} answers ${status}.`;
}

const count: Take<number> = async (records, view) =>
  (await records.take(view, { most: 0, all: false, keep: [] })).count;

async function checkResource(source: CheckedSource, resource: Resource): Promise<string> {
  const context: ReadContext = { ...source, now: Date.now(), mayRestart: true, demand: "nothing" };
  const pages = readPages(context, resource, spanOf({ by: "none" }, resource.incremental), START, count);
  for await (const page of pages) return `${resource.name} answers; its first page has ${page.taken} records.`;
  return `${resource.name} answers.`;
}
