import { isChosen } from "../../../core/column-choice.ts";
import type { EntityReadSpec, PlanRequest, Source } from "../../provider.ts";
import type { RestTools } from "../rest/declaration.ts";
import { countBytes, createRestSource } from "../rest/source.ts";
import { createAsk, createGraphqlClient, type PageSizes } from "./client.ts";
import type { GraphqlDeclaration } from "./declaration.ts";
import { composeDocuments } from "./documents.ts";
import type { Engine } from "./engine.ts";
import { createExportReader } from "./export-reader.ts";
import { createFollowUps } from "./follow-ups.ts";
import { nestedColumns } from "./nested.ts";
import { createNotices } from "./notices.ts";
import { planGraphql, takeWay } from "./plan.ts";
import type { Wanted } from "./selection.ts";
import { createSlices } from "./slices.ts";

/** The source of a GraphQL connector: the REST engine's, with queries that ask for what the plan reads and nothing else. */
export async function connectGraphql<Config, SecretName extends string>(
  declaration: GraphqlDeclaration<Config, SecretName>,
  { client: plain, resources, options }: RestTools<Config>,
  sizes: PageSizes,
): Promise<Source> {
  const { client: counted, takeBytes } = countBytes(plain);
  const { notice } = declaration;
  const notices = createNotices(counted, (headers) => notice?.(headers, options.config) ?? null);
  const { client } = notices;
  const ask = createAsk(client, declaration);
  const exports = declaration.exports;
  const canExport = exports?.isWanted(options.config) === true;

  function engineFor(wanted: Wanted | null): Engine {
    const documents = composeDocuments(declaration, wanted);
    const nested = nestedColumns(declaration, wanted);
    const asking = createGraphqlClient(client, { declaration, documents, sizes, nested });
    return { client: asking, resources, nested, source: createRestSource({ client: asking, resources }) };
  }

  /** Columns of the plan, and of those what the sync wants. */
  function wantedBy(entityKey: string, columns: readonly string[] | undefined): Set<string> {
    const { choice, declared = {} } = resources.get(entityKey);
    const names = columns ?? Object.values(declared).map(({ column }) => column);
    return new Set(names.filter((name) => isChosen(choice ?? {}, name)));
  }

  function wantedByPlan({ entityKey, columns, members = [], isStored }: PlanRequest): Wanted {
    return new Map([
      [entityKey, isStored === false ? new Set<string>() : wantedBy(entityKey, columns)],
      ...members.map((member) => [member.entityKey, wantedBy(member.entityKey, member.columns)] as const),
    ]);
  }

  function wantedByRead({ entityKey, columns, members = [], isStored }: EntityReadSpec): Wanted {
    const names = (all: EntityReadSpec["columns"]) => new Set(all.map(({ name }) => name));
    return new Map([
      [entityKey, isStored === false ? new Set<string>() : names(columns)],
      ...members.map((member) => [member.entityKey, names(member.columns)] as const),
    ]);
  }

  const all = engineFor(null).source;
  const source: Source = {
    check: () => all.check(),
    discover: (keys, known = new Map(), named = new Map()) => {
      const specs = [...known].map(([key, spec]) => [key, takeWay(spec).spec] as const);
      const names = [...named].map(
        ([key, { spec, ...rest }]) => [key, { ...rest, spec: spec && takeWay(spec).spec }] as const,
      );
      return all.discover(keys, new Map(specs), new Map(names));
    },
    plan(request) {
      const engine = engineFor(wantedByPlan(request));
      const followUps = createFollowUps(declaration, engine);
      return planGraphql({ declaration, engine, followUps, canExport }, request);
    },
    read(request) {
      const { spec, isExported, canBeExported } = takeWay(request.spec);
      const wanted = wantedByRead(spec);
      const engine = engineFor(wanted);
      const reading = { ...request, spec };
      const exporter =
        exports === undefined || !canBeExported
          ? null
          : createExportReader({
              declaration,
              exports,
              engine,
              wanted,
              client,
              ask,
              isExported,
              shared: options.shared,
            });
      const slices = createSlices({ engine, exporter, followUps: createFollowUps(declaration, engine), takeBytes });
      return notices.saying(reading, slices.read(reading));
    },
    probe: async () => client.look(),
    close: () => client.close(),
    ...(exports === undefined ? {} : { cancelJob: (job) => exports.cancel(ask, job) }),
  };
  return declaration.extend === undefined
    ? source
    : await declaration.extend(source, { client, resources, options, ask });
}
