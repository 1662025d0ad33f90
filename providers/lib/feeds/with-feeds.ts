import { TerminalError } from "../../../core/errors.ts";
import type { Source } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import { cellOf, isObject, isRawNumber, type JsonObject } from "../http/json.ts";
import type { RestTools } from "../rest/declaration.ts";
import { createClassifier } from "../rest/error-rules.ts";
import { permissionFix } from "../rest/permission-fix.ts";
import type { Resource } from "../rest/resources.ts";
import { selectOne } from "../rest/selector.ts";
import { countBytes } from "../rest/source.ts";
import { routeTables } from "../route-tables.ts";
import type { FeedResource, FeedTools } from "./declaration.ts";
import { declaredTable, type FeedTable } from "./plan-feed.ts";
import { createFeedSource } from "./source.ts";

/** The source of a REST connector, with tables that feeds tell. */
export function withFeeds<Config>(
  source: Source,
  declared: readonly FeedResource<Config>[],
  { client: plain, resources, options: { config, signal } }: RestTools<Config>,
): Source {
  const feeds = new Map(declared.map((feed) => [feed.entityKey, feed]));
  const { client, takeBytes } = countBytes(plain);

  function feedOf(entityKey: string): FeedResource<Config> {
    const feed = feeds.get(entityKey);
    if (feed === undefined) throw new Error(`${resources.provider}: ${entityKey} is no feed.`);
    return feed;
  }

  function tableOf(entityKey: string): FeedTable {
    const { schema, shape } = declaredTable(resources.get(entityKey));
    return { schema: { ...schema, changeFeed: true }, shape, first: feedOf(entityKey).first };
  }

  const ofFeeds = createFeedSource({
    ...{ provider: resources.provider, signal, choiceOf: (entityKey) => resources.get(entityKey).choice },
    tables: {
      discover: async (keys) =>
        [...feeds.keys()].filter((key) => keys === null || keys.includes(key)).map((key) => tableOf(key).schema),
      find: async (entityKey) => tableOf(entityKey),
    },
    reader: {
      async page(at, { entityKey }, warn) {
        const ask = createFeedAsk(client, resources.get(entityKey));
        const { records, next, token = null } = await feedOf(entityKey).page(at, { config, ask, warn });
        const bytes = takeBytes();
        if (next !== null) return { records, next, bytes };
        if (token === null) throw withoutToken(resources.provider, entityKey);
        return { records, next, token, bytes };
      },
    },
  });
  return { ...source, ...routeTables(ofFeeds, (entityKey) => feeds.has(entityKey), source) };
}

function createFeedAsk(client: HttpClient, resource: Resource): FeedTools<unknown>["ask"] {
  const { name, permission } = resource;
  return async (request) => {
    const { classify } = createClassifier(resource, { start: null, end: null, parent: null }, { isFirst: true });
    const response = await client.send({
      ...{ method: "GET", idempotent: true, ...request, doing: `changes of ${name}`, classify },
      ...(permission === undefined ? {} : { fixes: { source_permission_denied: permissionFix(permission) } }),
    });
    try {
      const body = response.json();
      if (!isObject(body)) throw response.refuse(new SyntaxError("it is no object"));
      return {
        body,
        list(path, options) {
          const found = selectOne(body, path);
          if (Array.isArray(found)) return found;
          if (options?.mayBeAbsent && (found === undefined || found === null)) return [];
          throw response.refuse(new SyntaxError(`it has no list at ${path}`));
        },
        text: (path) => textAt(body, path),
      };
    } finally {
      response.letGo();
    }
  };
}

function textAt(body: JsonObject, path: string): string | null {
  const found = selectOne(body, path);
  const isText = typeof found === "string" || typeof found === "number" || isRawNumber(found);
  return isText && found !== "" ? cellOf(found) : null;
}

function withoutToken(provider: string, entityKey: string): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `${provider}: the last page of ${entityKey} has no token that the next run could begin with.`,
    { fix: "Retry the run. If it repeats, report it with the worker's log." },
  );
}
