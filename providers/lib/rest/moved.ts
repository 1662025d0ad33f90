import type { HttpResponse } from "../http/client.ts";
import type { Resource } from "./resources.ts";
import { fill, fillPath, type Placeholders, parentFieldsIn } from "./templates.ts";

const REDIRECTS = [301, 302, 303, 307, 308];

type Answered = Pick<HttpResponse, "status" | "requestedUrl" | "url">;

/** The source sent the request to another path, or sent it away without saying where to. */
export function isRedirected({ status, requestedUrl, url }: Answered): boolean {
  return REDIRECTS.includes(status) || pathOf(requestedUrl) !== pathOf(url);
}

/**
 * Was a parent asked about, and did another place answer, which lacks the parent's value? A source redirects so when it has merged two
 * parents: these are the records of the other one.
 */
export function isOfOtherParent(resource: Resource, values: Placeholders, response: Answered): boolean {
  if (response.requestedUrl === response.url) return false;
  const [asked, answered] = [valuesIn(response.requestedUrl), valuesIn(response.url)];
  return parentValues(resource, values).some((value) => asked.has(value) && !answered.has(value));
}

/** What the path's segments and the query's parameters are that name the parent, in lower case. */
function parentValues(resource: Resource, values: Placeholders): string[] {
  const { path, query } = resource;
  const isOfParent = (template: string) => parentFieldsIn({ path: template, query: {} }).length > 0;
  const segments = path.split(/[/?#]/).filter(isOfParent);
  const parameters = Object.values(query).flat().map(String).filter(isOfParent);
  const filled = [
    ...segments.map((segment) => decode(fillPath(segment, values) ?? "")),
    ...parameters.map((text) => fill(text, values, (each) => each) ?? ""),
  ];
  return filled.map((value) => value.toLowerCase());
}

function valuesIn(url: string): Set<string> {
  const { pathname, searchParams } = new URL(url);
  const segments = pathname.split("/").map(decode);
  return new Set([...segments, ...searchParams.values()].map((value) => value.toLowerCase()));
}

/** A slash at the end says nothing. */
function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/+$/, "");
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // It is no encoded text.
    return segment;
  }
}
