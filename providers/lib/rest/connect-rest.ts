import type { ConnectOptions, Source } from "../../provider.ts";
import { type Limit, oneBucket } from "../http/admission.ts";
import { createHttpClient, type HttpClient } from "../http/client.ts";
import { secretOf } from "../secret-of.ts";
import { noteRequestIds, tellUsers } from "../tell-users.ts";
import type { OneLimit, RestApi, RestDeclaration, RestPaginator, RestSourceConfig } from "./declaration.ts";
import type { Paginator } from "./paginator.ts";
import type { PaginatorConfig } from "./paginator-config.ts";
import { createPaginator } from "./paginators.ts";
import type { ResourceConfig } from "./resource.ts";
import { createResources, type Resources } from "./resources.ts";
import { createRestSource } from "./source.ts";
import { createVendorAuth } from "./vendor-auth.ts";

/** @throws TerminalError config_invalid where the connection lacks a secret that its API needs */
export async function connectRest<Config, SecretName extends string>(
  declaration: RestDeclaration<Config, SecretName>,
  configs: readonly ResourceConfig[],
  options: ConnectOptions<Config, RestSourceConfig>,
): Promise<Source> {
  const { key, checkPath, extend } = declaration;
  const api = declaration.api({ config: options.config, secret: (name) => secretOf(key, options.secrets, name) });
  const { client, latestAnswer } = noteRequestIds(await openClient(declaration, api, options));
  const resources = settleResources(declaration, configs, { sourceConfig: options.sourceConfig, api });
  const source = createRestSource({ client, resources, checkPath });
  return tellUsers(extend === undefined ? source : await extend(source, { client, resources, options }), latestAnswer);
}

async function openClient<Config>(
  { key }: Pick<RestDeclaration<Config, never>, "key">,
  { auth, limit, ...api }: RestApi,
  { redactor, shared, egress, signal }: ConnectOptions<Config, RestSourceConfig>,
): Promise<HttpClient> {
  return createHttpClient({
    ...{ provider: key, ...api, redactor, shared, egress, signal },
    auth: await createVendorAuth(auth),
    limit: limit === undefined ? null : settleLimit(limit, api.baseUrl),
  });
}

function settleLimit(limit: OneLimit | Limit, baseUrl: string): Limit {
  if ("spends" in limit) return limit;
  return oneBucket({ bucket: new URL(baseUrl).host, burst: 1, concurrency: 4, ...limit });
}

function settleResources<Config, SecretName extends string>(
  { key, paginator, resources, listings = [] }: RestDeclaration<Config, SecretName>,
  configs: readonly ResourceConfig[],
  { sourceConfig, api }: { sourceConfig: RestSourceConfig; api: RestApi },
): Resources {
  const paginators = new Map<string, RestPaginator | undefined>(
    [...resources, ...listings].flatMap((resource) => [
      [resource.entityKey, resource.paginator] as const,
      ...(resource.children ?? []).map((child) => [child.entityKey, child.more?.paginator] as const),
    ]),
  );
  const secretParameters = api.auth.type === "query" ? [api.auth.name] : [];
  return createResources(key, configs, (config) => {
    const { initial, columns, exclude } = sourceConfig.resources[config.name] ?? {};
    const { incremental } = config;
    const pages = paginators.get(config.name) ?? paginator;
    return {
      ...config,
      incremental: incremental && initial !== undefined ? { ...incremental, initial } : incremental,
      ...(columns === undefined && exclude === undefined ? {} : { choice: { columns, exclude } }),
      paging: isOwn(pages) ? pages : createPaginator(key, pages && completed(pages), secretParameters),
    };
  });
}

function isOwn(paginator: RestPaginator | undefined): paginator is Paginator {
  return paginator !== undefined && "next" in paginator;
}

const USUAL = {
  ...{ emptyPage: "continue", in: "query", rel: "next" },
  ...{ limitParam: "limit", offsetParam: "offset", pageParam: "page" },
} as const;

/** With what is usual where the declaration does not say; what its type does not know is not looked at. */
function completed(paginator: Exclude<RestPaginator, Paginator>): PaginatorConfig {
  return { ...USUAL, ...paginator } as PaginatorConfig;
}
