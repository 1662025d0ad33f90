import { isProviderError, TerminalError } from "../../core/errors.ts";
import type { ReasonCode } from "../../core/result-reasons.ts";
import type { HttpClient, HttpResponse } from "../lib/http/client.ts";
import type { JsonValue } from "../lib/http/json.ts";
import { createClassifier } from "./error-rules.ts";
import { createLoopGuard } from "./loop-guard.ts";
import type { PageToken } from "./paginators.ts";
import { recordsIn } from "./records.ts";
import { buildRequest } from "./request.ts";
import type { Resource } from "./resources.ts";
import type { Placeholders } from "./templates.ts";

export interface ListedPage {
  /** Of this page; null for the first. */
  token: PageToken | null;
  next: PageToken | null;
  records: JsonValue[];
  /** A rule says that nothing more of the resource is to be read. */
  stop: boolean;
  /** The source's clock when it answered, in milliseconds; null where it shows none. */
  answeredAt: number | null;
}

export interface ListingOptions {
  client: HttpClient;
  resource: Resource;
  values: Placeholders;
  /** Where to go on; null from the start. */
  from: PageToken | null;
  /** A listing may begin anew when its token is refused: rows that come twice are merged. */
  mayRestart: boolean;
}

/** What a source says to a token that it no longer knows. */
const REFUSALS: ReasonCode[] = ["source_rejected_request", "source_resource_not_found"];

/** The pages of one listing: of one resource, in one window, of one parent. */
export async function* readListing(options: ListingOptions): AsyncGenerator<ListedPage, void, undefined> {
  const { resource, mayRestart } = options;
  let guard = createLoopGuard(`the listing of ${resource.name}`, resource.maxPages);
  let token = options.from;
  let restarted = false;
  for (let number = 1; ; number++) {
    let page: FetchedPage;
    try {
      page = await fetchPage(options, token, number);
    } catch (error) {
      if (token === null || restarted || !resource.paging.perishable || !isRefusal(error)) throw error;
      if (!mayRestart) throw staleToken(resource, error);
      [token, restarted] = [null, true];
      guard = createLoopGuard(`the listing of ${resource.name}`, resource.maxPages);
      continue;
    }
    guard({ body: page.body, records: page.records.length, next: page.next });
    yield page;
    if (page.next === null || page.stop) return;
    token = page.next;
  }
}

type FetchedPage = ListedPage & { body: Buffer };

/** One request; what it means is decided by the resource's rules first. */
async function fetchPage(
  { client, resource, values }: ListingOptions,
  token: PageToken | null,
  number: number,
): Promise<FetchedPage> {
  const classifier = createClassifier(resource);
  const response = await client.send({
    ...buildRequest(resource, values, resource.paging.parameters(token)),
    doing: `page ${number} of ${resource.name}`,
    classify: classifier.classify,
  });
  const answered = { token, body: response.body, answeredAt: dateOf(response) };
  if (classifier.outcome !== "page") {
    return { ...answered, next: null, records: [], stop: classifier.outcome === "stop_resource" };
  }
  const body = response.json();
  const records = recordsIn(body, resource);
  const next = resource.paging.next({ token, url: response.url, headers: response.headers, body, records });
  return { ...answered, next, records, stop: false };
}

function dateOf({ headers }: HttpResponse): number | null {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? null : date;
}

function isRefusal(error: unknown): boolean {
  return isProviderError(error) && error instanceof TerminalError && REFUSALS.includes(error.reasonCode);
}

function staleToken({ name }: Resource, cause: unknown): TerminalError {
  return new TerminalError(
    "source_cursor_invalid",
    `http_api: the source no longer knows the page where the read of ${name} stopped, and rows without a key cannot be read twice. Give the resource a primaryKey, or retry with runMode full_refresh.`,
    { cause },
  );
}
