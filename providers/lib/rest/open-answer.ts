import type { HttpResponse } from "../http/client.ts";
import type { Answer } from "./answer.ts";
import { surveyAnswer } from "./fenced-records.ts";
import { holdRecords } from "./held-records.ts";
import { hashKeys } from "./key-tally.ts";
import { whyNoKeyset } from "./keyset-order.ts";
import { digestOf } from "./loop-guard.ts";
import { itemsOf } from "./page-items.ts";
import { recordsIn } from "./records.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { matchesPath } from "./rule-paths.ts";

/**
 * Looks into an answer: at once, or where it is large in a thread.
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
