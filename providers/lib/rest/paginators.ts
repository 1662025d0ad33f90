import { TerminalError, TransientError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import { isObject, type JsonValue, plainOf } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { byNumber, byOffset, doubtOfTotal } from "./counted-paging.ts";
import { linkTo } from "./link-header.ts";
import { endedBy } from "./listing-end.ts";
import { signOfMore } from "./more-signs.ts";
import { type PageValue, pageValueOf, parameterOf, whyNoParameter } from "./page-value.ts";
import type { AnsweredPage, NextPage, PageParameters, Paginator } from "./paginator.ts";
import type { PaginatorConfig } from "./paginator-config.ts";
import { selectOne } from "./selector.ts";

const NOTHING: PageParameters = { in: "query", parameters: [] };
const CHAIN = { perishable: true, endsNotFound: false, provesEnd: true };

/**
 * @param config undefined: nothing is declared of pages, so there is one, unless it says that there are more
 * @param secretParameters query parameters that links must not take into a checkpoint
 */
export function createPaginator(
  provider: ProviderKey,
  config: PaginatorConfig | undefined,
  secretParameters: readonly string[] = [],
): Paginator {
  if (config === undefined) return undeclared(provider);
  const paginator = ofType(provider, config, secretParameters);
  const { stopWhen } = config.type === "single" ? {} : config;
  if (stopWhen === undefined) return paginator;
  return {
    ...paginator,
    provesEnd: true,
    next(page) {
      const next = paginator.next(page);
      const said = page.body === undefined ? undefined : plainOf(selectOne(page.body, stopWhen.path));
      const stops = said === stopWhen.equals;
      if (next.end?.proof === "chain" && typeof said === "boolean" && !stops) throw endless(provider, stopWhen.path);
      const doubt = next.end?.doubt ?? doubtOfTotal(next.token?.counts);
      return stops ? { token: next.token, end: { proof: "declared", doubt } } : next;
    },
  };
}

function ofType(provider: ProviderKey, config: PaginatorConfig, secretParameters: readonly string[]): Paginator {
  switch (config.type) {
    case "single":
      return ONE_PAGE;
    case "json_link":
    case "header_link":
      return byLink(provider, config, secretParameters);
    case "cursor":
      return byCursor(provider, config);
    case "offset":
      return byOffset(provider, config);
    case "page":
      return byNumber(provider, config);
    case "keyset":
      return byKey(provider, config);
  }
}

const ONE_PAGE: Paginator = {
  ...{ perishable: false, endsNotFound: false, provesEnd: true, parameters: () => NOTHING },
  next: () => ({ token: null, end: endedBy("single") }),
};

function undeclared(provider: ProviderKey): Paginator {
  return {
    ...ONE_PAGE,
    next(page) {
      const sign = signOfMore(page, ["flag", "next", "count"]);
      if (sign === null) return ONE_PAGE.next(page);
      throw new TerminalError(
        "config_invalid",
        `${provider}: ${new URL(page.url).pathname} says that there are more pages (${sign}), and its resource has no paginator.`,
        { fix: WRITERS_FIXES.noPaginator.written },
      );
    },
  };
}

type Config<T extends PaginatorConfig["type"]> = Extract<PaginatorConfig, { type: T }>;

function byLink(
  provider: ProviderKey,
  config: Config<"json_link" | "header_link">,
  secretParameters: readonly string[],
): Paginator {
  return {
    ...CHAIN,
    parameters: (token) => (token === null ? NOTHING : { ...NOTHING, url: String(token.at) }),
    next(page) {
      const { url, headers, body } = page;
      const link =
        config.type === "json_link"
          ? linkAt(provider, body, config.nextPath)
          : linkTo(provider, headers.get("link"), config.rel);
      if (link === null) return lastOf(provider, page, config.type === "json_link" ? config.nextPath : null);
      const next = URL.parse(link, url);
      if (next === null) throw unusable(provider, "the link to the next page is no URL");
      for (const name of secretParameters) next.searchParams.delete(name);
      return follow(page, config, { at: next.href }, isSamePage(next, url));
    },
  };
}

function byCursor(provider: ProviderKey, config: Config<"cursor">): Paginator {
  const { nextPath, nextHeader, param, in: place } = config;
  return {
    ...CHAIN,
    parameters: (token) => ({ in: place, parameters: token === null ? [] : [[param, parameterOf(token, place)]] }),
    next(page) {
      const { token, headers, body } = page;
      const next =
        nextHeader === undefined
          ? valueAt(provider, body, nextPath ?? "", place)
          : pageValueOf(headers.get(nextHeader)?.trim());
      if (next === null) return lastOf(provider, page, nextPath ?? null);
      return follow(page, config, next, next.at === token?.at);
    },
  };
}

/**
 * An answer without a body cannot say that nothing follows, and one that names a next page elsewhere does not say it.
 * @param nextPath where the body would name it
 * @param instead what is seen of its end where no page is named at all
 */
function lastOf(provider: ProviderKey, page: AnsweredPage, nextPath: string | null, instead?: string): NextPage {
  const { body } = page;
  if (body === undefined) return { token: null, end: endedBy(null) };
  const isMissing = nextPath !== null && selectOne(body, nextPath) === undefined;
  const sign = signOfMore(page, isMissing ? ["flag", "next"] : ["flag"]);
  if (sign === null) return { token: null, end: endedBy("chain") };
  const seen = instead ?? `${nextPath ?? "its headers"} ${nextPath === null ? "name" : "names"} none`;
  throw unusable(provider, `the answer says that more pages follow (${sign}), but ${seen}`);
}

/** An empty page that names itself is the last one. */
function follow(
  { items }: AnsweredPage,
  { emptyPage }: Config<"json_link" | "header_link" | "cursor">,
  next: PageValue,
  isItself: boolean,
): NextPage {
  if (items === 0 && isItself) return { token: null, end: endedBy("chain") };
  if (items === 0 && emptyPage === "stop") return { token: null, end: endedBy("declared") };
  return { token: next, end: null };
}

/** Behind a proxy the scheme of a link may differ. */
function isSamePage(next: URL, url: string): boolean {
  const { host, pathname, search } = new URL(url);
  return next.host === host && next.pathname === pathname && next.search === search;
}

/** The key is that of the last element that the API counts, or of the last record where that has it. */
function byKey(provider: ProviderKey, { field, param, in: place }: Config<"keyset">): Paginator {
  return {
    ...{ perishable: false, endsNotFound: true, provesEnd: true, keyField: field },
    parameters: (token) => ({ in: place, parameters: token === null ? [] : [[param, parameterOf(token, place)]] }),
    next(page) {
      if (page.items === 0) return lastOf(provider, page, null, "the page is empty");
      const why = page.items === page.records ? page.whyNoKeyset(field) : null;
      if (why !== null) throw unusable(provider, why);
      const ends = [page.lastItem, page.last];
      const holder = ends.find((last) => isObject(last) && selectOne(last, field) !== undefined);
      const key = valueAt(provider, holder, field, place);
      if (key === null) throw unusable(provider, `the last record of the page has no ${field} to go on from`);
      return { token: key, end: null };
    },
  };
}

/** @throws TerminalError source_response_invalid for a value that the place cannot take */
function valueAt(provider: ProviderKey, from: JsonValue | undefined, path: string, place: "query" | "body") {
  const value = isObject(from) ? selectOne(from, path) : undefined;
  const why = whyNoParameter(path, value, place);
  if (why !== null) throw unusable(provider, why);
  return pageValueOf(value);
}

/** @throws TerminalError source_response_invalid for what is no text */
function linkAt(provider: ProviderKey, body: JsonValue | undefined, path: string): string | null {
  const link = valueAt(provider, body, path, "query");
  if (link === null) return null;
  if (/^[\w=~-]*$/.test(String(link.at)))
    throw unusable(
      provider,
      `${path} is no link but a token or a number, for which there are paginators of type cursor and page`,
    );
  return String(link.at);
}

/** It may have been a slip of the source's. */
function endless(provider: ProviderKey, path: string): TransientError {
  const message = `${provider}: the answer says that more pages follow (${path}), but names none.`;
  return new TransientError("source_response_invalid", message, {
    fix: "Retry the run. If it happens again, report it to the source: a listing without its end is not taken for whole.",
  });
}

function unusable(provider: ProviderKey, what: string): TerminalError {
  return new TerminalError("source_response_invalid", `${provider}: ${what}.`, {
    fix: WRITERS_FIXES.pages.written,
  });
}
