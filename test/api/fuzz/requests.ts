import fc from "fast-check";
import { PROVIDERS } from "../../../core/vocabulary.ts";
import { type Json, postgresConnection } from "../harness.ts";
import { arbitraryOf, type Ids } from "./arbitrary.ts";
import { type Operation, type Parameter, resolve } from "./document.ts";
import { mutated, NASTY } from "./mutate.ts";
import type { Pool } from "./states.ts";

export interface FuzzRequest {
  operation: Operation;
  url: string;
  headers: Record<string, string>;
  /** As text on the wire; what it says, where that is JSON. */
  body: { text: string; json: unknown } | null;
}

const TEXTS = NASTY.map((value) => (typeof value === "string" ? value.toWellFormed() : JSON.stringify(value)));
const RAW_BODIES = ["", " ", "{", "[1,", '"', "nul", '{"a":1}{"b":2}', "\ufeff{}", '{"a":1e999}', "[".repeat(1000)];
const CONTENT_TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "application/merge-patch+json",
  "text/plain",
  ";",
];

/** Requests of one operation: some as they should be, some not, about everything that is stored. */
export function requestsOf(document: Json, pool: Pool, operation: Operation): fc.Arbitrary<FuzzRequest> {
  const ids = { connectionId: pool.connection_id, syncId: pool.sync_id };
  const { parameters, path } = operation;
  const of = (place: Parameter["in"]) => parameters.filter((parameter) => parameter.in === place);
  const textsOf = ({ schema, name }: Parameter) =>
    fc.oneof(
      { weight: 12, arbitrary: arbitraryOf(document, ids, schema, name).map(queryTexts) },
      { weight: 1, arbitrary: fc.constantFrom(...TEXTS).map((text) => [text]) },
    );
  const query = fc.record(Object.fromEntries(of("query").map((each) => [each.name, textsOf(each)])), {
    requiredKeys: [],
  });
  const headers = fc.record(Object.fromEntries(of("header").map((each) => [each.name, textsOf(each)])), {
    requiredKeys: [],
  });
  return fc
    .record({
      path: fc.tuple(...of("path").map(({ name }) => pathValue(pool, name))),
      query,
      headers,
      contentType: fc.oneof(
        { weight: 8, arbitrary: fc.constant("application/json") },
        fc.constantFrom(...CONTENT_TYPES),
      ),
      body: bodyOf(document, ids, operation),
    })
    .map((given) => {
      const filled = of("path").reduce(
        (filling, { name }, index) => filling.replace(`{${name}}`, encodeURIComponent(given.path[index] ?? "")),
        path,
      );
      const pairs = Object.entries(given.query).flatMap(([name, texts = []]) =>
        texts.map((text): [string, string] => [name, text]),
      );
      const search = new URLSearchParams(pairs).toString();
      const sent = Object.entries(given.headers).flatMap(([name, [text = ""] = []]) =>
        /^[\x20-\x7e]*$/.test(text) ? [[name, text]] : [],
      );
      const contentType = given.body === null ? {} : { "content-type": given.contentType };
      return {
        operation,
        url: search === "" ? filled : `${filled}?${search}`,
        headers: { ...Object.fromEntries(sent), ...contentType },
        body: given.body,
      };
    });
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function queryTexts(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(textOf);
  return value === null ? [] : [textOf(value)];
}

function textOf(value: unknown): string {
  return (typeof value === "string" ? value : JSON.stringify(value)).toWellFormed();
}

function pathValue(pool: Pool, name: string): fc.Arbitrary<string> {
  const known: Record<string, readonly string[]> = { ...pool, provider: PROVIDERS };
  const stored = known[name];
  const garbage = fc.constantFrom("x", "0", "%", " ", "a/b", "\u0000", "00000000-0000-4000-8000-000000000000", "é");
  if (stored === undefined) return garbage;
  const existing = fc.constantFrom(...stored);
  return fc.oneof(
    { weight: 10, arbitrary: existing },
    { weight: 1, arbitrary: existing.map((id) => id.toUpperCase()) },
    { weight: 1, arbitrary: garbage },
  );
}

function bodyOf(document: Json, ids: Ids, { id, body }: Operation): fc.Arbitrary<FuzzRequest["body"]> {
  const raw = fc.constantFrom(...RAW_BODIES).map((text) => ({ text, json: parsed(text) }));
  if (body === null) return fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, raw);
  const good = goodBody(document, ids, id, body);
  const valid = fc.oneof(arbitraryOf(document, ids, body), good);
  const asJson = (json: unknown) => ({ text: JSON.stringify(json), json });
  return fc.oneof(
    { weight: 4, arbitrary: good.map(asJson) },
    { weight: 4, arbitrary: valid.map(asJson) },
    { weight: 6, arbitrary: mutated(valid).map(asJson) },
    { weight: 1, arbitrary: fc.constantFrom(...NASTY).map(asJson) },
    { weight: 1, arbitrary: raw },
  );
}

/** Of which a schema cannot tell that they would work. */
const EXAMPLES: Record<string, Json> = {
  createSync: { name: "Orders", entities: ["public.orders"] },
  createConnection: postgresConnection(),
  updateSync: {},
  updateConnection: {},
  setSyncState: { entities: { "public.orders": { cursor: "2026-01-01" } } },
  rotateConnectionSecrets: { secrets: { password: "another" } },
};

/** What works, with one field more or another than it needs. */
function goodBody(document: Json, ids: Ids, id: string, body: Json): fc.Arbitrary<unknown> {
  const properties: Json = resolve(document, body).properties ?? {};
  const fields = Object.entries(properties).map(([name, schema]) =>
    arbitraryOf(document, ids, schema as Json, name).map((value) => ({ [name]: value })),
  );
  const connection = properties.connectionId === undefined ? {} : { connectionId: ids.connectionId[0] };
  return fc
    .oneof({ weight: fields.length, arbitrary: fc.constant({}) }, ...fields)
    .map((field) => ({ ...connection, ...EXAMPLES[id], ...field }));
}
