import { z } from "@hono/zod-openapi";

/** Building blocks of every schema. What OpenAPI cannot be told by zod itself is told by `.openapi()` here, once. */

/** Any UUID, whatever its version: ids that others made are not ours to judge. In lower case, as Postgres writes it. */
export const uuid = () => z.guid().toLowerCase().openapi({ format: "uuid" });

export const instant = () => z.iso.datetime({ offset: true }).openapi({ format: "date-time" });

/** Text of `min` to `max` characters, counted as JSON Schema does (code points; zod counts UTF-16 units). */
export function text(min: number, max: number) {
  return z
    .string()
    .check((ctx) => {
      const length = [...ctx.value].length;
      const found = { origin: "string", input: ctx.value, inclusive: true } as const;
      if (length < min) ctx.issues.push({ ...found, code: "too_small", minimum: min });
      if (length > max) ctx.issues.push({ ...found, code: "too_big", maximum: max });
    })
    .openapi({ ...(min > 0 ? { minLength: min } : {}), maxLength: max });
}

/** A name that Postgres keeps as it is: it cuts what is longer than 63 bytes, silently. */
export function identifier() {
  return text(1, 63).refine(
    (name) => [...name].length > 63 || Buffer.byteLength(name) <= 63,
    "Name should be at most 63 bytes long",
  );
}

/** A list in which nothing comes twice; each repetition is an item of its own. */
export function distinct<T extends z.ZodType<string>>(item: T, max: number) {
  return z
    .array(item)
    .max(max)
    .check((ctx) => {
      const seen = new Set<string>();
      for (const [index, value] of ctx.value.entries()) {
        if (seen.has(value)) {
          ctx.issues.push({ code: "custom", path: [index], message: `'${value}' is named twice`, input: value });
        }
        seen.add(value);
      }
    })
    .openapi({ uniqueItems: true });
}

/** Entities of a sync that a run is for. */
export const namedEntities = (max = 5000) =>
  distinct(text(1, 512), max)
    .min(1)
    .optional()
    .openapi({ description: "Of the sync's; absent: all of them. The cursors of the others stay where they are." });

/** A closed list of which this version can execute only `built`; the rest answers 422 `not_available_yet`. */
export function availableEnum<const T extends readonly [string, ...string[]]>(values: T, built: readonly T[number][]) {
  return z.enum(values).refine((value) => built.some((each) => each === value), {
    error: (issue) => `'${String(issue.input)}' is not available yet; available: ${built.join(", ")}`,
    params: { type: "not_available_yet" },
  });
}

/** An integer in the query. Repeated, the last one counts. */
export function queryInteger(bounds: { min: number; max?: number; default: number }) {
  const { min, max, default: fallback } = bounds;
  const integer = max === undefined ? z.int().min(min) : z.int().min(min).max(max);
  return z
    .preprocess((given) => {
      const last = Array.isArray(given) ? given.at(-1) : given;
      return typeof last === "string" && /^[+-]?\d+$/.test(last) ? Number(last) : last;
    }, integer.default(fallback))
    .openapi({
      type: "integer",
      default: fallback,
      minimum: min,
      maximum: max ?? Number.MAX_SAFE_INTEGER,
    });
}

/** `true` or `false` in the query; false when it is absent. Repeated, the last one counts. */
export function queryFlag() {
  const words = new Map<unknown, boolean>([
    ["true", true],
    ["false", false],
  ]);
  return z
    .preprocess((given) => {
      const last = Array.isArray(given) ? given.at(-1) : given;
      return words.get(last) ?? last;
    }, z.boolean().default(false))
    .openapi({ type: "boolean", default: false });
}

/** Text in the query. Repeated, the last one counts. */
export function queryText() {
  return z
    .preprocess((given) => (Array.isArray(given) ? given.at(-1) : given), z.string().optional())
    .openapi({ type: "string" });
}

/** A parameter that may be repeated; each time one of `values`. Absent: empty, which filters nothing. */
export function queryEnums<const T extends readonly [string, ...string[]]>(values: T) {
  return queryList(z.enum(values));
}

/** Likewise, of any values. */
export function queryList<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (given) => (given === undefined || Array.isArray(given) ? given : [given]),
    // No `default`: of an empty list in the document a generator of Go makes code that does not compile.
    z
      .array(item)
      .optional()
      .transform((list) => list ?? []),
  );
}

/** An instant in the query, as a Date. Repeated, the last one counts. */
export function queryInstant() {
  return z
    .preprocess(
      (given) => (Array.isArray(given) ? given.at(-1) : given),
      z.iso
        .datetime({ offset: true })
        .transform((text) => new Date(text))
        .optional(),
    )
    .openapi({ type: "string", format: "date-time" });
}

/** Shape and defaults of every list. */
export const pageOf = (limit: number) => ({
  limit: queryInteger({ min: 1, max: 100, default: limit }),
  offset: queryInteger({ min: 0, default: 0 }),
});

export const pageFields = {
  hasNext: z.boolean().openapi({ description: "There is more after this page." }),
  limit: z.int(),
  offset: z.int(),
  total: z.int().openapi({ description: "Of all pages." }),
};

/** An object of `item`s under any keys but one, which zod passes over in silence. */
export function givenRecord<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (given, ctx) => {
      if (typeof given === "object" && given !== null && Object.hasOwn(given, "__proto__")) {
        ctx.addIssue({ code: "custom", path: ["__proto__"], message: "This name cannot be used" });
      }
      return given;
    },
    z.record(z.string(), item),
  );
}

export const jsonObject = () => z.record(z.string(), z.unknown());
