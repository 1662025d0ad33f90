import type { HttpResponse } from "../http/client.ts";
import type { JsonValue } from "../http/json.ts";
import { surveyAnswer } from "./fenced-records.ts";
import { holdRecords } from "./held-records.ts";
import { hashKeys } from "./key-tally.ts";
import { whyNoKeyset } from "./keyset-order.ts";
import { digestOf } from "./loop-guard.ts";
import { itemsOf } from "./page-items.ts";
import type { PageRecords } from "./page-records.ts";
import { recordsIn } from "./records.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { matchesPath } from "./rule-paths.ts";

/** A body that has been looked into, at hand or in a thread. */
export interface Answer {
  /** Of a large one without most of its records. */
  body: JsonValue;
  /** Is there at the rule's path what it asks for? */
  meets(rule: ErrorRule): boolean;
  /** Of the whole body. */
  digest(): string;
  /** @throws ProviderError source_response_invalid, see `recordsIn` */
  list(): Listed;
}

/** The records of a body, and what a listing has to know of them. */
export interface Listed {
  records: PageRecords;
  /** Elements that the API counts, see `itemsOf`. */
  items: number;
  /** Where there is one; in `body`. */
  first: JsonValue | undefined;
  last: JsonValue | undefined;
  lastItem: JsonValue | undefined;
  /** See `hashKeys`. */
  keys: Float64Array | null;
  /** See `whyNoKeyset`. */
  whyNoKeyset(field: string): string | null;
}

/**
 * @param rules that will be asked for
 * @throws ProviderError source_response_invalid where it is not what its format says, or too much
 */
export async function openAnswer(
  response: HttpResponse,
  resource: Resource,
  rules: readonly ErrorRule[],
): Promise<Answer> {
  if (response.isLarge) return await surveyAnswer(response, resource, rules);
  const body = response.json();
  return {
    body,
    meets: (rule) => matchesPath(body, rule),
    digest: () => digestOf(response.body),
    list() {
      const records = recordsIn(body, resource);
      const items = itemsOf(body, resource, records);
      return {
        records: holdRecords(records, response.refuse),
        items: items.length,
        ...{ first: records[0], last: records.at(-1), lastItem: items.at(-1) },
        keys: hashKeys(records, resource),
        whyNoKeyset: (field) => whyNoKeyset(records, field),
      };
    },
  };
}
