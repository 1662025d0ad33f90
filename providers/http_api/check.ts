import { isProviderError } from "../../core/errors.ts";
import { reasonOf } from "../../core/result-reasons.ts";
import type { HttpClient } from "../lib/http/client.ts";
import type { SourceCheck } from "../provider.ts";
import type { ConnectionConfig } from "./config/connection.ts";
import { readPages } from "./pages.ts";
import { START } from "./position.ts";
import type { Resource, Resources } from "./resources.ts";
import { spanOf } from "./steps.ts";

/** One request with the connection's credentials: `checkPath`, or the first page of a resource. */
export async function checkApi(
  source: { client: HttpClient; resources: Resources },
  config: ConnectionConfig,
): Promise<SourceCheck[]> {
  try {
    const message =
      config.checkPath === undefined
        ? await checkResource(source, firstResource(source.resources))
        : await checkPath(source.client, config.checkPath);
    return [{ name: "read", ok: true, message, fix: "" }];
  } catch (error) {
    if (!isProviderError(error)) throw error;
    return [{ name: "read", ok: false, message: error.message, fix: reasonOf(error.reasonCode).fix }];
  }
}

async function checkPath(client: HttpClient, path: string): Promise<string> {
  const { status } = await client.send({ doing: "the connection check", method: "GET", url: path });
  return `${path} answers ${status}.`;
}

async function checkResource(
  source: { client: HttpClient; resources: Resources },
  resource: Resource,
): Promise<string> {
  const context = { ...source, now: Date.now(), mayRestart: true };
  const pages = readPages(context, resource, spanOf({ by: "none" }, resource.incremental), START);
  for await (const page of pages) return `${resource.name} answers; its first page has ${page.records.length} records.`;
  return `${resource.name} answers.`;
}

/** The first that stands alone: a child needs its parents first. */
function firstResource(resources: Resources): Resource {
  const all = resources.names.map((name) => resources.get(name));
  const first = all.find((resource) => resource.parent === undefined) ?? all[0];
  if (first === undefined) throw new Error("A connection without resources passed its schema.");
  return first;
}
