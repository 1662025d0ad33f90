import { z } from "zod";
import { TerminalError } from "../../../core/errors.ts";
import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { HttpClient, HttpRequest, HttpResponse, Verdict } from "../http/client.ts";
import { ListingFullError } from "../rest/full-listings.ts";
import { readAnswer } from "./answer.ts";
import type { Ask, GraphqlAnswer, GraphqlVerdict } from "./ask.ts";
import type { GraphqlDeclaration } from "./declaration.ts";
import type { GraphqlDocument } from "./document.ts";
import { type Call, completeAnswer, type NestedColumn } from "./nested.ts";
import { type PageSize, smallerPage } from "./page-size.ts";

type Declared = Pick<GraphqlDeclaration<never, never>, "key" | "cost" | "judge" | "statuses" | "search" | "endpoint">;

/** What a request of the REST engine says of a query, see `to-rest.ts`. */
const callSchema = z.strictObject({
  /** Name of the document. */
  call: z.string(),
  after: z.string().optional(),
  start: z.string().optional(),
  end: z.string().optional(),
  /** Of the object whose connection is read, or of several. */
  id: z.string().optional(),
  ids: z.array(z.string()).optional(),
  /** A search text for one element of that connection. */
  within: z.string().optional(),
});

/** Most queries whose page size is remembered. */
const MOST_SIZES = 1_000;

export type PageSizes = Map<string, PageSize>;

interface GraphqlClientOptions {
  declaration: Declared;
  documents: ReadonlyMap<string, GraphqlDocument>;
  /** By query: what the vendor took. Added to. */
  sizes: PageSizes;
  /** What is read to its end in each answer. */
  nested: readonly NestedColumn[];
}

/** Makes queries of the calls that the REST engine sends, keeps their costs, and asks again in smaller pages where the vendor finds one too costly. */
export function createGraphqlClient(client: HttpClient, options: GraphqlClientOptions): HttpClient {
  const { declaration, documents, sizes, nested } = options;
  const post = createPost(client, declaration);

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const { call: name, start = null, end = null, ...given } = callSchema.parse(request.json);
    const document = documents.get(name);
    if (document === undefined) throw new Error(`There is no query for ${name}.`);
    const { text: query, term, terms, permission, mayBeGone = false } = document;
    const search = query.includes("$search") ? declaration.search({ term, start, end, terms }) : null;
    for (;;) {
      const page = sizes.get(query) ?? sizeOf(document);
      const known = { ...page, ...given, ...(search === null ? {} : { search }) };
      const variables = Object.fromEntries(Object.entries(known).filter(([each]) => query.includes(`$${each}`)));
      try {
        const asked = { permission, hasId: given.id !== undefined && !mayBeGone };
        const { classify: _, ...plain } = request;
        return withAbsent(await post({ ...plain, json: { query, variables } }, asked), document);
      } catch (error) {
        const next = error instanceof TooCostlyError ? smallerPage(page, error.times) : null;
        if (!(error instanceof TooCostlyError) || next === null) throw error;
        if (sizes.size >= MOST_SIZES) sizes.clear();
        sizes.set(query, next);
      }
    }
  }

  const sending = { ...client, send };
  const call = createCall(sending, declaration);
  return {
    ...sending,
    async send(request) {
      const answer = await completeAnswer(await send(request), nested, call);
      // The engine opens the answer while it judges it, so what it judges has to be whole. GraphQL has no rules of its own there.
      const verdict = await request.classify?.(answer);
      if (verdict != null && verdict.kind !== "ok") throw answer.refuse(new SyntaxError("it is no page"));
      return answer;
    },
  };
}

/** The account has not what the connection lies in: the connection is empty. */
function withAbsent(response: HttpResponse, { within }: GraphqlDocument): HttpResponse {
  // An answer without it is short.
  if (within === undefined || response.isLarge || readAnswer(response)?.data?.[within.field] !== null) return response;
  const empty = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  const json = { data: { [within.field]: { [within.connection]: empty } } };
  return { ...response, json: () => json, body: Buffer.from(JSON.stringify(json)) };
}

/** The data of one document's query. */
export function createCall({ send }: Pick<HttpClient, "send">, { endpoint }: Pick<Declared, "endpoint">): Call {
  return async (json) => {
    const doing = json.call.replace(":", ", ");
    const response = await send({ doing, method: "POST", url: endpoint, idempotent: true, json });
    const data = readAnswer(response)?.data ?? null;
    if (data === null) throw response.refuse(new SyntaxError("it has no data"));
    return data;
  };
}

function sizeOf({ first, inner, nested }: GraphqlDocument): PageSize {
  return { first, ...(inner === null ? {} : { inner }), ...(nested === null ? {} : { nested }) };
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

const FULL_FIX = "Bind the entity with a primary key and its cursor, so that it can be read in smaller windows.";

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
    // Cursor, ids and search text do not change what a query costs.
    const costKey = JSON.stringify(request.json).replace(
      /"(after|id|search|within)":"[^"]*",?|"ids":\[[^\]]*\],?/g,
      "",
    );
    let times: number | null = null;
    let isFull = false;
    const { bucket, perSecond, burst } = cost;
    try {
      return await client.send({
        ...request,
        spends: [{ bucket, perSecond, burst, cost: Math.min(burst, costs.get(costKey) ?? cost.firstGuess) }],
        async classify(response): Promise<Verdict | null> {
          [times, isFull] = [null, false];
          const answer = readAnswer(response);
          const requested = answer === null ? null : cost.requested(answer);
          if (requested !== null) costs.set(costKey, requested);
          const verdict = answer === null ? null : judgeAnswer(answer, asked);
          if (verdict?.kind === "too_costly" || verdict?.kind === "too_many") {
            if (verdict.kind === "too_many") isFull = true;
            else times = verdict.times ?? 2;
            return { kind: "fail", reasonCode: "source_rejected_request" };
          }
          return verdict ?? statuses[response.status] ?? (await request.classify?.(response)) ?? null;
        },
      });
    } catch (error) {
      const { message } = error as Error;
      if (isFull) throw new ListingFullError("source_response_invalid", message, { fix: FULL_FIX, cause: error });
      if (times === null) throw error;
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
