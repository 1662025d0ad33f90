import type { Limit } from "../http/admission.ts";
import { isObject } from "../http/json.ts";
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

/** A body that is no JSON says nothing of costs; what it is otherwise, its request finds out. */
function bodyOf(json: () => unknown) {
  try {
    return json() as ReturnType<Parameters<NonNullable<Limit["settle"]>>[0]["json"]>;
  } catch {
    return null;
  }
}
