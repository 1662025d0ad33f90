import { z } from "zod";
import { TerminalError } from "../../../core/errors.ts";
import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { HttpClient, HttpRequest, HttpResponse, Verdict } from "../http/client.ts";
import { readAnswer } from "./answer.ts";
import type { Ask, GraphqlAnswer, GraphqlVerdict } from "./ask.ts";
import type { GraphqlDeclaration } from "./declaration.ts";
import type { GraphqlDocument } from "./documents.ts";

type Declared = Pick<GraphqlDeclaration<never, never>, "key" | "cost" | "judge" | "statuses" | "search" | "endpoint">;

/** What a request of the REST engine says of a query, see `to-rest.ts`. */
const callSchema = z.strictObject({
  /** Name of the document. */
  call: z.string(),
  after: z.string().optional(),
  start: z.string().optional(),
  end: z.string().optional(),
  /** Of the object whose connection is read. */
  id: z.string().optional(),
});

/** Most queries whose page size is remembered. */
const MOST_SIZES = 1_000;

interface PageSize {
  first: number;
  inner?: number;
}

export type PageSizes = Map<string, PageSize>;

interface GraphqlClientOptions {
  declaration: Declared;
  documents: ReadonlyMap<string, GraphqlDocument>;
  /** By query: what the vendor took. Added to. */
  sizes: PageSizes;
}

/** Makes queries of the calls that the REST engine sends, keeps their costs, and asks again in smaller pages where the vendor finds one too costly. */
export function createGraphqlClient(client: HttpClient, options: GraphqlClientOptions): HttpClient {
  const { declaration, documents, sizes } = options;
  const post = createPost(client, declaration);
  return {
    ...client,
    async send(request) {
      const call = callSchema.parse(request.json);
      const document = documents.get(call.call);
      if (document === undefined) throw new Error(`There is no query for ${call.call}.`);
      const { text: query, term, terms, permission, mayBeGone = false } = document;
      for (;;) {
        const { first, inner } = document;
        const page = sizes.get(query) ?? { first, ...(inner === null ? {} : { inner }) };
        const search = declaration.search({ term, start: call.start ?? null, end: call.end ?? null, terms });
        const usesSearch = query.includes("$search");
        const variables = {
          ...page,
          ...(call.after === undefined ? {} : { after: call.after }),
          ...(call.id === undefined ? {} : { id: call.id }),
          ...(usesSearch && search !== null ? { search } : {}),
        };
        try {
          return await post(
            { ...request, json: { query, variables } },
            { permission, hasId: call.id !== undefined && !mayBeGone },
          );
        } catch (error) {
          if (!(error instanceof TooCostlyError) || isSmallest(page)) throw error;
          if (sizes.size >= MOST_SIZES) sizes.clear();
          sizes.set(query, smaller(page, error.times));
        }
      }
    },
  };
}

export function createAsk(client: HttpClient, declaration: Declared): Ask {
  const post = createPost(client, declaration);
  return async ({ doing, query, variables = {}, permission, idempotent = true, judge }) => {
    let answer: GraphqlAnswer | null = null;
    const response = await post(
      { doing, method: "POST", url: declaration.endpoint, idempotent, json: { query, variables } },
      { permission, hasId: false, judge, tell: (told) => (answer = told) },
    );
    const { data } = (answer as GraphqlAnswer | null) ?? { data: null };
    if (data === null) throw response.refuse(new SyntaxError("it has no data"));
    return { data, response };
  };
}

class TooCostlyError extends TerminalError {
  times = 2;
}

interface Asked {
  permission: string | undefined;
  /** An object is asked for that may be gone. */
  hasId: boolean;
  judge?: ((answer: GraphqlAnswer) => GraphqlVerdict | null) | undefined;
  tell?: (answer: GraphqlAnswer) => void;
}

function createPost(client: HttpClient, { key, cost, judge, statuses = {} }: Declared) {
  const costs = new Map<string, number>();
  return async (request: HttpRequest & { json: unknown }, asked: Asked): Promise<HttpResponse> => {
    // Cursor, id and search text do not change what a query costs.
    const costKey = JSON.stringify(request.json).replace(/"(after|id|search)":"[^"]*",?/g, "");
    let times: number | null = null;
    const { bucket, perSecond, burst } = cost;
    try {
      return await client.send({
        ...request,
        spends: [{ bucket, perSecond, burst, cost: Math.min(burst, costs.get(costKey) ?? cost.firstGuess) }],
        async classify(response): Promise<Verdict | null> {
          times = null;
          const answer = readAnswer(response);
          const requested = answer === null ? null : cost.requested(answer);
          if (requested !== null) costs.set(costKey, requested);
          const verdict = answer === null ? null : judgeAnswer(answer, asked);
          if (verdict?.kind === "too_costly") {
            times = verdict.times ?? 2;
            return { kind: "fail", reasonCode: "source_rejected_request" };
          }
          return verdict ?? statuses[response.status] ?? (await request.classify?.(response)) ?? null;
        },
      });
    } catch (error) {
      if (times === null) throw error;
      const { message } = error as Error;
      const tooCostly = new TooCostlyError("source_rejected_request", message, {
        fix: `Leave out columns of the entity (sourceConfig.resources.<entity>.exclude): ${key} finds the query too costly even for a single object.`,
        cause: error,
      });
      tooCostly.times = times;
      throw tooCostly;
    }
  };

  function judgeAnswer(answer: GraphqlAnswer, asked: Asked): GraphqlVerdict | null {
    const own = asked.judge?.(answer) ?? judge(answer, asked);
    if (own !== null) {
      if (own.kind === "ok") asked.tell?.(answer);
      return own;
    }
    // Words beside another status say no more than it does: `{"errors": "This shop is unavailable"}`.
    if (answer.status < 200 || answer.status > 299) return null;
    // With data beside it, the query was understood: what went wrong with one field may go well the next time.
    if (answer.errors.length > 0) return answer.data === null ? failed("source_rejected_request", answer) : RETRY;
    asked.tell?.(answer);
    return asked.hasId && answer.data?.node === null ? failed("source_resource_not_found", answer) : null;
  }
}

const RETRY: Verdict = { kind: "retry" };

function failed(reasonCode: ReasonCode, { errors }: GraphqlAnswer): Verdict {
  const said = errors.map(({ message }) => message).join("; ");
  return { kind: "fail", reasonCode, ...(said === "" ? {} : { message: said }) };
}

/** So many children of an object are read with it before a page has fewer objects: most objects have no more. */
const FEW_CHILDREN = 5;

/** Connections within a page get smaller first, since most of what they reserve is not there; then pages; then connections again. */
function smaller({ first, inner }: PageSize, times: number): PageSize {
  if (inner !== undefined && inner > FEW_CHILDREN) return { first, inner: FEW_CHILDREN };
  if (first > 1)
    return {
      first: Math.max(1, Math.min(first - 1, Math.floor(first / times))),
      ...(inner === undefined ? {} : { inner }),
    };
  return { first, ...(inner === undefined ? {} : { inner: Math.max(1, Math.floor(inner / 2)) }) };
}

function isSmallest({ first, inner = 1 }: PageSize): boolean {
  return first === 1 && inner === 1;
}
