import type { OpenAPIHono } from "@hono/zod-openapi";
import { SECURITY_SCHEMES } from "./auth.ts";
import type { AppEnv } from "./deps.ts";
import { ENUM_SCHEMAS, nameEnums } from "./name-enums.ts";
import { scopeOf } from "./scopes.ts";

type Document = ReturnType<OpenAPIHono<AppEnv>["getOpenAPI31Document"]>;
type Operation = NonNullable<NonNullable<Document["paths"]>[string]["get"]>;

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** The document of everything that is mounted on `app`; the same for every process, so it can be committed. */
export function describeApi(app: OpenAPIHono<AppEnv>): Document {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version: "1",
      description: "Control plane for data syncs: what to copy, from where, to where, when; and what became of it.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "Syncs", description: "Definitions: what to copy, from where, to where, when" },
      { name: "Runs", description: "Attempts at executing a sync" },
      { name: "State", description: "From where the next incremental run of a sync starts" },
      { name: "Connections", description: "Accounts at providers" },
      { name: "Providers", description: "Kinds of external systems" },
      { name: "Audit", description: "Who changed what" },
      { name: "Workers", description: "The processes that execute runs" },
      { name: "Health" },
    ],
  });
  document.components = { ...document.components, securitySchemes: SECURITY_SCHEMES };
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation && path.startsWith("/api/")) addAccess(operation, method, path);
    }
    if (item.post && path.startsWith("/api/")) addIdempotency(item.post);
  }
  const named = nameEnums(document);
  named.components = { ...named.components, schemas: { ...named.components?.schemas, ...ENUM_SCHEMAS } };
  return named;
}

/** What stands in front of every route under /api, whatever the route. */
function addAccess(operation: Operation, method: string, path: string): void {
  const scope = scopeOf(method, path);
  // The empty one: where nothing is configured, nothing is asked for.
  operation.security = [{}, ...Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: [scope] }))];
  operation["x-required-scope"] = scope;
  operation.responses = {
    ...operation.responses,
    401: refusal("Nobody says who asks, or what is said is not accepted", {
      "WWW-Authenticate": "How to say it",
    }),
    403: refusal(`The caller lacks scope ${scope}, or a browser calls from a page of another origin`, {}),
    429: refusal("The caller's requests of this minute are used up", {
      "RateLimit-Limit": "Requests in a minute",
      "RateLimit-Remaining": "How many of them are left",
      "RateLimit-Reset": "Seconds until they are all there again",
      "Retry-After": "Seconds to wait",
    }),
    503: operation.responses?.[503] ?? refusal("Tokens cannot be checked now", { "Retry-After": "Seconds to wait" }),
  };
}

/** What `answerOnce` does, whatever the route. */
function addIdempotency(operation: Operation): void {
  operation.parameters = [
    ...(operation.parameters ?? []),
    {
      name: "Idempotency-Key",
      in: "header",
      required: false,
      description:
        "Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422.",
      schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[ -~]+$" },
    },
  ];
  const replayed = { description: "`true` on an answer that was given before", schema: { type: "string" } };
  const documented = Object.entries(operation.responses ?? {}).map(([status, response]) =>
    /^2/.test(status)
      ? [status, { ...response, headers: { ...response.headers, "Idempotency-Replayed": replayed } }]
      : [status, response],
  );
  const inFlight = refusal("A request with the same key is being answered", { "Retry-After": "Seconds to wait" });
  operation.responses = { 409: inFlight, ...Object.fromEntries(documented) };
}

function refusal(description: string, headers: Record<string, string>) {
  const described = Object.entries(headers).map(([name, meaning]) => [
    name,
    { description: meaning, schema: { type: /^R/.test(name) ? ("integer" as const) : ("string" as const) } },
  ]);
  return {
    description,
    headers: Object.fromEntries(described),
    content: { "application/json": { schema: { $ref: "#/components/schemas/ApiError" } } },
  };
}
