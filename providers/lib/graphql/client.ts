import { z } from "zod";
import type { HttpClient, HttpRequest, HttpResponse } from "../http/client.ts";
import { readAnswer } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { GraphqlDeclaration } from "./declaration.ts";
import type { GraphqlDocument } from "./document.ts";
import { type Call, completeAnswer, type NestedColumn } from "./nested.ts";
import { type PageSize, smallerPage } from "./page-size.ts";
import { createSendQuery, dataOf, TooCostlyError } from "./send-query.ts";

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
  const sendQuery = createSendQuery(client, declaration);

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const { call: name, start = null, end = null, ...given } = callSchema.parse(request.json);
    const document = documents.get(name);
    if (document === undefined) throw new Error(`There is no query for ${name}.`);
    const { text: query, term, terms, permission, mayBeGone = false } = document;
    const search = query.includes("$search") ? (declaration.search?.({ term, start, end, terms }) ?? null) : null;
    for (;;) {
      const page = sizes.get(query) ?? sizeOf(document);
      const known = { ...page, ...given, ...(search === null ? {} : { search }) };
      const variables = Object.fromEntries(Object.entries(known).filter(([each]) => query.includes(`$${each}`)));
      try {
        const asked = { permission, hasId: given.id !== undefined && !mayBeGone };
        const { classify: _, ...plain } = request;
        return withAbsent(await sendQuery({ ...plain, json: { query, variables } }, asked), document);
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
    return dataOf(response);
  };
}

function sizeOf({ first, inner, nested }: GraphqlDocument): PageSize {
  return { first, ...(inner === null ? {} : { inner }), ...(nested === null ? {} : { nested }) };
}

/** Queries outside of the resources. */
export function createAsk(client: HttpClient, declaration: Declared): Ask {
  const sendQuery = createSendQuery(client, declaration);
  return async ({ doing, query, variables = {}, permission, idempotent = true, judge }) => {
    const request = {
      doing,
      method: "POST",
      url: declaration.endpoint,
      idempotent,
      json: { query, variables },
    } as const;
    const response = await sendQuery(request, { permission, hasId: false, judge });
    return { data: dataOf(response), response };
  };
}
