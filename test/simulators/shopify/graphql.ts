import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLFormattedError,
  getOperationAST,
  Kind,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import type { VirtualClock } from "../store.ts";
import type { VendorAnswer } from "../vendor.ts";
import type { SearchWarning, ShopContext } from "./context.ts";
import { type CostQuestion, costOf } from "./cost.ts";
import { run } from "./run.ts";
import { shopifySchema } from "./schema.ts";
import type { ShopSettings } from "./settings.ts";

/** Points that an app may still spend at the shop; they come back as time goes by. */
export interface Bucket {
  /** @returns null where there are enough of them, else what is answered */
  take(cost: number): object | null;
  giveBack(points: number): void;
  status(): { maximumAvailable: number; currentlyAvailable: number; restoreRate: number };
  throttled(cost: number): object;
}

export function createBucket(clock: VirtualClock, { bucket }: ShopSettings): Bucket {
  const startedAt = performance.now();
  const now = (): number => (clock.now() + performance.now() - startedAt) / 1_000;
  let spent = 0;
  let at = now();

  function leak(): number {
    const seconds = now() - at;
    at += seconds;
    spent = Math.max(0, spent - seconds * bucket.restoreRate);
    return bucket.maximumAvailable - spent;
  }

  const status = () => ({ ...bucket, currentlyAvailable: Math.floor(leak()) });
  const self: Bucket = {
    take(cost) {
      if (leak() < cost) return self.throttled(cost);
      spent += cost;
      return null;
    },
    giveBack(points) {
      spent = Math.max(0, spent - points);
    },
    status,
    throttled: (cost) => ({
      errors: [
        {
          message: "Throttled",
          extensions: { code: "THROTTLED", documentation: "https://shopify.dev/api/usage/rate-limits" },
        },
      ],
      extensions: {
        cost: {
          ...{ requestedQueryCost: cost, actualQueryCost: null },
          throttleStatus: { ...status(), currentlyAvailable: Math.min(status().currentlyAvailable, cost - 1) },
        },
      },
    }),
  };
  return self;
}

type ContextOfRequest = Omit<ShopContext, "warn">;

/** A query over HTTP, which is answered with 200 whatever is wrong with it. */
export function answerQuery(body: unknown, bucket: Bucket, given: ContextOfRequest): VendorAnswer {
  const { query, variables, operationName } = Object(body) as Record<string, unknown>;
  if (typeof query !== "string")
    return { status: 400, body: { errors: { query: "Required parameter missing or invalid" } } };
  const warnings: SearchWarning[] = [];
  const prepared = prepare(query, variables, operationName);
  if (Array.isArray(prepared)) return { status: 200, body: { errors: prepared } };
  const { document, question } = prepared;
  const requested = costOf(question);
  if (requested > given.settings.maxQueryCost)
    return { status: 200, body: { errors: [tooDear(requested, given.settings)] } };
  const refusal = bucket.take(requested);
  if (refusal !== null) return { status: 200, body: refusal };
  if (isRefusedBulk(query, given.settings))
    return { status: 200, body: { errors: [BULK_REFUSED], data: { bulkOperationRunQuery: null } } };
  const context = { ...given, warn: (warning: SearchWarning) => warnings.push(warning) } satisfies ShopContext;
  const { data, errors = [] } = run(document, context, question.variables, operationName);
  // Lists without a size may turn out longer than they were taken for.
  const actual = data == null ? 0 : Math.min(requested, costOf(question, data));
  bucket.giveBack(requested - actual);
  const cost = { requestedQueryCost: requested, actualQueryCost: actual, throttleStatus: bucket.status() };
  const search = warnings.length === 0 ? {} : { search: warnings.map(shownWarning) };
  return {
    status: 200,
    body: {
      data: data ?? null,
      ...(errors.length > 0 ? { errors: errors.map((error) => error.toJSON()) } : {}),
      extensions: { cost, ...search },
    },
  };
}

/** @returns the errors, where it is no valid query */
function prepare(
  query: string,
  variables: unknown,
  operationName: unknown,
): GraphQLFormattedError[] | { document: DocumentNode; question: CostQuestion } {
  try {
    const document = parse(query);
    const found = validate(shopifySchema(), document, specifiedRules);
    if (found.length > 0) return found.map((error) => error.toJSON());
    const operation = getOperationAST(document, typeof operationName === "string" ? operationName : null);
    if (operation == null) return [{ message: "An operation name is required" }];
    const fragments = document.definitions.filter(
      (each): each is FragmentDefinitionNode => each.kind === Kind.FRAGMENT_DEFINITION,
    );
    const defaults = operation.variableDefinitions?.flatMap(({ variable, defaultValue }) =>
      defaultValue?.kind === Kind.INT ? [[variable.name.value, Number(defaultValue.value)]] : [],
    );
    return {
      document,
      question: {
        operation,
        fragments: Object.fromEntries(fragments.map((each) => [each.name.value, each])),
        variables: { ...Object.fromEntries(defaults ?? []), ...Object(variables) },
      },
    };
  } catch (error) {
    if (error instanceof GraphQLError) return [error.toJSON()];
    throw error;
  }
}

const BULK_REFUSED = {
  message: "Access denied for bulkOperationRunQuery field. Required access: Bulk queries must be enabled for the app.",
  path: ["bulkOperationRunQuery"],
  extensions: { code: "ACCESS_DENIED", documentation: "https://shopify.dev/api/usage/access-scopes" },
};

function isRefusedBulk(query: string, { bulkEnabled }: ShopSettings): boolean {
  return !bulkEnabled && query.includes("bulkOperationRunQuery");
}

function tooDear(cost: number, { maxQueryCost }: ShopSettings): object {
  return {
    message: `Query cost is ${cost}, which exceeds the single query max cost limit (${maxQueryCost}).`,
    extensions: {
      code: "MAX_COST_EXCEEDED",
      cost,
      maxCost: maxQueryCost,
      documentation: "https://shopify.dev/api/usage/rate-limits",
    },
  };
}

function shownWarning({ path, query, field, code }: SearchWarning): object {
  const message = code === "invalid_field" ? "Invalid search field for this query." : "Invalid value for this field.";
  return { path, query, parsed: {}, warnings: [{ field, message, code }] };
}
