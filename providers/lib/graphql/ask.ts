import type { HttpResponse, Verdict } from "../http/client.ts";
import type { JsonObject } from "../http/json.ts";

/** One query outside of the resources. @throws ProviderError where the answer reports errors */
export type Ask = (question: {
  /** For messages. */
  doing: string;
  query: string;
  variables?: Record<string, unknown>;
  permission?: string | undefined;
  /** False for a mutation: it is not sent again after it may have arrived. */
  idempotent?: boolean;
  /** First word on errors, before `judge`. Errors that it forgives are in the answer. */
  judge?: (answer: GraphqlAnswer) => GraphqlVerdict | null;
}) => Promise<{ data: JsonObject; response: HttpResponse }>;

export interface GraphqlAnswer {
  status: number;
  errors: GraphqlError[];
  /** Null where there is none. */
  data: JsonObject | null;
  extensions: JsonObject;
}

export interface GraphqlError {
  message: string;
  /** Null where the vendor gives none. */
  code: string | null;
  /** Of the field: `orders.nodes.0.email`. */
  path: string | null;
  extensions: JsonObject;
}

/**
 * `too_costly`: the same is asked for in smaller pages. `times`: how often what it costs exceeds what it may. `too_many`: the listing goes on behind what
 * the vendor gives of one, so that smaller windows are read.
 */
export type GraphqlVerdict = Verdict | { kind: "too_costly"; times?: number } | { kind: "too_many" };
