import { z } from "zod";
import { TerminalError } from "../../core/errors.ts";
import { isObject, type JsonValue } from "../lib/http/json.ts";
import type { PaginatorConfig } from "./config/paginator.ts";
import { linkTo } from "./link-header.ts";
import { selectOne } from "./selector.ts";
import { scalarAt } from "./templates.ts";

/** Where a page is; JSON, since it is kept in checkpoints. `at`: a URL, a token, an offset, a page number or a key. */
export const pageTokenSchema = z.strictObject({ at: z.union([z.string(), z.int()]) });
export type PageToken = z.output<typeof pageTokenSchema>;

/** What a page adds to the request of its resource. */
export interface PageParameters {
  /** Instead of the resource's own URL and parameters. */
  url?: string;
  in: "query" | "body";
  parameters: [name: string, value: string | number][];
}

export interface AnsweredPage {
  /** Of this page; null for the first. */
  token: PageToken | null;
  url: string;
  headers: Headers;
  body: JsonValue;
  records: readonly JsonValue[];
}

export interface Paginator {
  /** Tokens go stale or belong to one query: a refused one says that the listing has to begin anew. */
  perishable: boolean;
  parameters(token: PageToken | null): PageParameters;
  /** Null after the last page. @throws TerminalError source_response_invalid */
  next(page: AnsweredPage): PageToken | null;
}

const NOTHING: PageParameters = { in: "query", parameters: [] };

/** @param secretParameters query parameters that links must not take into a checkpoint */
export function createPaginator(config: PaginatorConfig, secretParameters: readonly string[] = []): Paginator {
  const paginator = ofType(config, secretParameters);
  const { stopWhen } = config.type === "single" ? {} : config;
  return {
    ...paginator,
    next: (page) => (stopWhen && selectOne(page.body, stopWhen.path) === stopWhen.equals ? null : paginator.next(page)),
  };
}

function ofType(config: PaginatorConfig, secretParameters: readonly string[]): Paginator {
  switch (config.type) {
    case "single":
      return { perishable: false, parameters: () => NOTHING, next: () => null };
    case "json_link":
    case "header_link":
      return byLink(config, secretParameters);
    case "cursor":
      return byCursor(config);
    case "offset":
      return byOffset(config);
    case "page":
      return byNumber(config);
    case "keyset":
      return byKey(config);
  }
}

type Config<T extends PaginatorConfig["type"]> = Extract<PaginatorConfig, { type: T }>;

function byLink(config: Config<"json_link" | "header_link">, secretParameters: readonly string[]): Paginator {
  return {
    perishable: true,
    parameters: (token) => (token === null ? NOTHING : { ...NOTHING, url: String(token.at) }),
    next: ({ url, headers, body, records }) => {
      const link =
        config.type === "json_link" ? textAt(body, config.nextPath) : linkTo(headers.get("link"), config.rel);
      if (link === null || (records.length === 0 && config.emptyPage === "stop")) return null;
      const next = URL.parse(link, url);
      if (next === null) throw unusable("the link to the next page is no URL");
      for (const name of secretParameters) next.searchParams.delete(name);
      return { at: next.href };
    },
  };
}

function byCursor({ nextPath, param, in: place, emptyPage }: Config<"cursor">): Paginator {
  return {
    perishable: true,
    parameters: (token) => ({ in: place, parameters: token === null ? [] : [[param, token.at]] }),
    next: ({ body, records }) => {
      const token = textAt(body, nextPath);
      return token === null || (records.length === 0 && emptyPage === "stop") ? null : { at: token };
    },
  };
}

function byOffset(config: Config<"offset">): Paginator {
  const { limit, limitParam, offsetParam, totalPath, stopOnShortPage } = config;
  return {
    perishable: false,
    parameters: (token) => ({
      in: config.in,
      parameters: [
        [limitParam, limit],
        [offsetParam, token?.at ?? 0],
      ],
    }),
    next: ({ token, body, records }) => {
      if (records.length === 0) return null;
      const next = Number(token?.at ?? 0) + records.length;
      if (totalPath !== undefined) return next < countAt(body, totalPath) ? { at: next } : null;
      return stopOnShortPage && isCutShort(records.length, limit) ? null : { at: next };
    },
  };
}

function byNumber(config: Config<"page">): Paginator {
  const { start, pageParam, size, sizeParam, totalPagesPath, stopOnShortPage } = config;
  return {
    perishable: false,
    parameters: (token) => ({
      in: config.in,
      parameters: [
        [pageParam, token?.at ?? start],
        ...(size === undefined || sizeParam === undefined ? [] : [[sizeParam, size] as [string, number]]),
      ],
    }),
    next: ({ token, body, records }) => {
      if (records.length === 0) return null;
      const next = Number(token?.at ?? start) + 1;
      if (totalPagesPath !== undefined) return next < start + countAt(body, totalPagesPath) ? { at: next } : null;
      return stopOnShortPage && size !== undefined && isCutShort(records.length, size) ? null : { at: next };
    },
  };
}

/**
 * For want of records, that is, and not because the API gives fewer than it is asked for: where it cuts its pages the number is
 * a round one, and then only an empty page is the end.
 */
function isCutShort(records: number, asked: number): boolean {
  const isRound = records % 10 === 0 || records % 25 === 0 || Number.isInteger(Math.log2(records));
  return records < asked && (records < SMALLEST_CAP || !isRound);
}

const SMALLEST_CAP = 10;

function byKey({ field, param, in: place }: Config<"keyset">): Paginator {
  return {
    perishable: false,
    parameters: (token) => ({ in: place, parameters: token === null ? [] : [[param, token.at]] }),
    next: ({ records }) => {
      const last = records.at(-1);
      if (last === undefined) return null;
      const key = isObject(last) ? scalarAt(last, field) : null;
      if (key === null) throw unusable(`the last record of the page has no ${field} to go on from`);
      return { at: key };
    },
  };
}

/** Null where there is nothing: an empty text, null or false also say so. */
function textAt(body: JsonValue, path: string): string | null {
  const value = isObject(body) ? scalarAt(body, path) : null;
  return value === "" || value === "false" ? null : value;
}

function countAt(body: JsonValue, path: string): number {
  const count = Number(textAt(body, path) ?? Number.NaN);
  if (Number.isInteger(count)) return count;
  throw unusable(`the body has no number at ${path}`);
}

function unusable(what: string): TerminalError {
  return new TerminalError("source_response_invalid", `http_api: ${what}. Correct the paginator of the resource.`);
}
