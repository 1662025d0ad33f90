import type { Spend } from "../../../core/budgets.ts";
import type { Limit } from "../http/admission.ts";
import { isObject } from "../http/json.ts";
import type { GraphqlAnswer } from "./ask.ts";
import type { GraphqlCost } from "./declaration.ts";

/** Queries that one slice has in flight. */
const CONCURRENCY = 4;

/** A bucket of points: a query reserves what the vendor will reserve for it, and its answer says what it took. */
export function limitOf({ bucket, perSecond, burst, firstGuess, settle }: GraphqlCost): Limit {
  return {
    concurrency: CONCURRENCY,
    spends: [{ bucket, perSecond, burst, cost: firstGuess }],
    settle({ headers, json }) {
      if (!/\bjson\b/i.test(headers.get("content-type") ?? "")) return [];
      const body = bodyOf(json);
      const extensions = isObject(body) && isObject(body.extensions) ? body.extensions : {};
      const said = settle({ extensions });
      return said === null ? [] : [{ bucket, ...said }];
    },
  };
}

/** What each query costs, as its latest answer has told. */
export function createQueryCosts({ bucket, perSecond, burst, firstGuess, requested }: GraphqlCost) {
  const known = new Map<string, number>();
  // Cursor, ids and search text do not change what a query costs.
  const keyOf = (json: unknown): string =>
    JSON.stringify(json).replace(/"(after|id|search|within)":"[^"]*",?|"ids":\[[^\]]*\],?/g, "");
  return {
    /** What leave to send it takes. */
    spendOf(json: unknown): Spend {
      return { bucket, perSecond, burst, cost: Math.min(burst, known.get(keyOf(json)) ?? firstGuess) };
    },
    learn(json: unknown, answer: Pick<GraphqlAnswer, "extensions">): void {
      const cost = requested(answer);
      if (cost !== null) known.set(keyOf(json), cost);
    },
  };
}

/** A body that is no JSON says nothing of costs; what it is otherwise, its request finds out. */
function bodyOf(json: () => unknown) {
  try {
    return json() as ReturnType<Parameters<NonNullable<Limit["settle"]>>[0]["json"]>;
  } catch {
    return null;
  }
}
