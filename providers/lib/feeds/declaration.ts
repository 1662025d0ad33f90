import type { HttpRequest } from "../http/client.ts";
import type { JsonObject, JsonValue } from "../http/json.ts";
import type { RestDeclaration, RestResource } from "../rest/declaration.ts";
import type { FeedPage, Warn } from "./feed.ts";

/** A vendor's connector as data, where the vendor tells the changes of some tables by feeds. The other tables are `resources`, as of any REST API. */
export interface FeedDeclaration<Config, SecretName extends string>
  extends Omit<RestDeclaration<Config, SecretName>, "extend" | "listings" | "checkPath"> {
  /** What a check asks for first, such as `me`: feeds are not tried. */
  checkPath: string;
  feeds: FeedResource<Config>[];
}

type Described =
  | "entityKey"
  | "displayName"
  | "description"
  | "columns"
  | "primaryKey"
  | "keepRecord"
  | "otherFields"
  | "errorRules"
  | "permission"
  | "sizeClass"
  | "defaultSelected"
  | "storageDescription";

/** One table whose changes a feed tells. It needs a key, so that deletions find their rows. */
export interface FeedResource<Config> extends Pick<RestResource, Described>, FeedPages<Config> {}

/**
 * Positions are the connector's own text, such as a page token or a link: `first` is where a reading of everything begins, each page names the
 * next one, and the last page has the token that the next run begins with.
 */
export interface FeedPages<Config> {
  first: string;
  page(at: string, tools: FeedTools<Config>): Promise<AskedPage>;
}

export interface AskedPage extends Pick<FeedPage, "records" | "next"> {
  /** Needed where `next` is null: the position at which the next run begins. */
  token?: string | null;
}

export interface FeedTools<Config> {
  config: Config;
  /** Asks the vendor; `errorRules` say what its answers mean. A position that has expired is `source_cursor_expired` there. @throws ProviderError */
  ask(request: FeedRequest): Promise<FeedAnswer>;
  /** Tells people in the run what the page leaves out. */
  warn: Warn;
}

/** Paths are those of columns: `history.messages`. */
export interface FeedAnswer {
  body: JsonObject;
  /** Elements of a list. @throws TerminalError source_response_invalid where there is none, unless it `mayBeAbsent`: then it is empty */
  list(path: string, options?: { mayBeAbsent: true }): JsonValue[];
  /** Text or a number; null where it is neither, or empty. */
  text(path: string): string | null;
}

/** GET where `method` does not say otherwise. A POST only reads. `url` is relative to `baseUrl`, or a link of an answer. */
export type FeedRequest = Pick<HttpRequest, "url"> &
  Partial<Pick<HttpRequest, "method" | "query" | "json" | "headers">>;
