import { z } from "zod";
import { type ColumnChoice, isChosen } from "../../../core/column-choice.ts";
import { normaliseName } from "../../../core/naming.ts";
import { isObject, type JsonObject, type JsonValue } from "../http/json.ts";
import { UNMAPPED } from "./column-names.ts";
import type { RecordShape } from "./record-shape.ts";

/** What a sync leaves out of its records, before anything else is made of them: neither `_unmapped` nor a rejected row's record has it. */
export const omissionSchema = z.strictObject({
  paths: z.array(z.string()),
  /** By their own names, dots and brackets and all. */
  members: z.array(z.string()),
  /** The only members that are kept; null for all. */
  only: z.array(z.string()).nullable(),
});
export type Omission = z.output<typeof omissionSchema>;

/**
 * @param shape with all columns. A name that none of them has is that of a member which no sample shows
 * @returns null where nothing is left out
 */
export function omissionOf(choice: ColumnChoice | undefined, { fields, unmapped }: RecordShape): Omission | null {
  if (choice === undefined) return null;
  const columns = new Set([...fields.map(({ column }) => column), ...(unmapped ? [UNMAPPED] : [])]);
  const leftOut = fields.filter(({ column }) => !isChosen(choice, column));
  const pathsOf = (isMember: boolean) =>
    leftOut.filter(({ member = false }) => member === isMember).map(({ path }) => path);
  const others = (choice.exclude ?? []).filter((name) => !columns.has(name));
  const kept = fields
    .filter(({ column }) => isChosen(choice, column))
    .map(({ path, member }) => (member ? path : (stepsOf(path)[0] ?? path)));
  const takesOthers = choice.columns === undefined || choice.columns.includes(UNMAPPED);
  return { paths: pathsOf(false), members: [...pathsOf(true), ...others], only: takesOthers ? null : kept };
}

/** A copy without what is left out. */
export function omitFrom(record: JsonValue, omission: Omission | null | undefined): JsonValue {
  if (omission == null || !isObject(record)) return record;
  const { paths, members: names, only } = omission;
  const whole = new Set([...paths, ...names]);
  const members = Object.entries(record).filter(
    ([name]) => (only?.includes(name) ?? true) && !whole.has(name) && !whole.has(normaliseName(name)),
  );
  return paths.map(stepsOf).reduce<JsonObject>(withoutPath, Object.fromEntries(members));
}

function withoutPath(object: JsonObject, [first, ...rest]: string[]): JsonObject {
  const member = first === undefined ? undefined : object[first];
  if (first === undefined || member === undefined || !Object.hasOwn(object, first)) return object;
  const others = Object.entries(object).filter(([name]) => name !== first);
  if (rest.length === 0) return Object.fromEntries(others);
  if (!isObject(member)) return object;
  return { ...object, [first]: withoutPath(member, rest) };
}

/** `$.customer.email` -> customer, email */
function stepsOf(path: string): string[] {
  const steps = path.split(".");
  return steps[0] === "$" ? steps.slice(1) : steps;
}
