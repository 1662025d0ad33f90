import fc from "fast-check";
import type { Json } from "../harness.ts";
import { resolve } from "./document.ts";

/** What stands for ids, which no schema can name. */
export interface Ids {
  connectionId: readonly string[];
  syncId: readonly string[];
}

const NOBODY = "00000000-0000-4000-8000-000000000000";

/** Values that a schema of the document allows. Names give away which ids are meant. */
export function arbitraryOf(document: Json, ids: Ids, given: Json, name = ""): fc.Arbitrary<unknown> {
  const schema = resolve(document, given);
  const inner = (child: Json, childName = name) => arbitraryOf(document, ids, child, childName);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice: Json) => inner(choice)));
  if (schema.allOf) return inner(Object.assign({}, ...schema.allOf.map((part: Json) => resolve(document, part))));
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const types: string[] = [schema.type ?? "any"].flat();
  return fc.oneof(...types.map((type) => ofType(type)));

  function ofType(type: string): fc.Arbitrary<unknown> {
    switch (type) {
      case "null":
        return fc.constant(null);
      case "boolean":
        return fc.boolean();
      case "integer":
        return integers(schema);
      case "number":
        return fc.double({ noNaN: true, noDefaultInfinity: true });
      case "string":
        return strings(schema, name, ids);
      case "array": {
        const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 4, 4) };
        return fc.array(inner(schema.items ?? {}), bounds);
      }
      case "object":
        return objects(schema, inner);
      default:
        return fc.jsonValue({ maxDepth: 3 });
    }
  }
}

function objects(schema: Json, inner: (child: Json, name: string) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const properties: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [key, child] of Object.entries(schema.properties ?? {})) properties[key] = inner(child as Json, key);
  const known = fc.record(properties, { requiredKeys: schema.required ?? [], noNullPrototype: true });
  const more = schema.additionalProperties;
  if (typeof more !== "object") return known;
  const others = fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), inner(more, ""), {
    maxKeys: 3,
    noNullPrototype: true,
  });
  return fc.tuple(known, others).map(([mine, theirs]) => ({ ...theirs, ...mine }));
}

function integers({ minimum, maximum }: Json): fc.Arbitrary<number> {
  const min = minimum ?? -(2 ** 31);
  const max = maximum ?? 2 ** 31 - 1;
  return fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 100) }),
    fc.maxSafeInteger().map((n) => clamp(n, min, max)),
  );
}

function clamp(n: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, n));
}

function strings(schema: Json, name: string, ids: Ids): fc.Arbitrary<string> {
  if (schema.format === "uuid") {
    const known = name === "connectionId" ? ids.connectionId : ids.syncId;
    return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(NOBODY, ...known) }, { weight: 1, arbitrary: fc.uuid() });
  }
  if (schema.format === "date-time")
    return fc.date({ noInvalidDate: true, min: EPOCH, max: FAR }).map((at) => at.toISOString());
  if (SAMPLES[name]) return fc.constantFrom(...SAMPLES[name]);
  if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern));
  const bounds = { minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 40, 40) };
  return fc.oneof(fc.string(bounds), fc.string({ ...bounds, unit: "grapheme" }));
}

const EPOCH = new Date("1970-01-01T00:00:00Z");
const FAR = new Date("2200-01-01T00:00:00Z");

/** Text that means something, which chance alone would hardly ever hit on. */
const SAMPLES: Record<string, readonly string[]> = {
  entities: ["public.orders", "public.customers", "orders", "refunds"],
  entityKey: ["public.orders", "public.customers", "orders"],
  timezone: ["UTC", "Europe/Berlin", "America/New_York"],
  cron: ["0 * * * *", "*/5 1-3 * * mon-fri"],
  windowSize: ["P1D", "1000", "PT1H"],
  primaryKeyColumns: ["id", "updated_at"],
  cursorField: ["updated_at", "id"],
};
