import fc from "fast-check";
import type { Json } from "../harness.ts";

/** What people, clients and attackers send instead of what is asked for. */
export const NASTY: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 31,
  2 ** 53,
  "",
  " ",
  "0",
  "-",
  "null",
  "NaN",
  "1e3",
  "'; drop table syncs; --",
  "\ud83d\ude9a",
  "\u202e\ufeff",
  "x".repeat(300),
  "a\u0000b",
  "\ud800",
  "%",
  "../..",
  "__proto__",
  "1970-01-01T00:00:00Z",
  "2026-02-30T00:00:00Z",
  "0001-01-01T00:00:00Z",
  "+275760-09-13T00:00:00.000Z",
  "00000000-0000-0000-0000-000000000000",
  [],
  [null],
  [[]],
  ["a", "a"],
  {},
  { a: 1 },
  { constructor: 1, toString: 1 },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  { $ref: "#" },
];

type Path = readonly (string | number)[];

/** A body in one or a few places of which something is wrong. */
export function mutated(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(...NASTY)), { minLength: 1, maxLength: 3 }))
    .map(([value, mutations]) => mutations.reduce((before, mutation) => mutate(before, ...mutation), value));
}

function mutate(value: unknown, where: number, how: number, nasty: unknown): unknown {
  const places = placesIn(value);
  const path = places[where % places.length] ?? [];
  switch (how % 4) {
    case 0:
      return withoutPlace(value, path);
    case 1:
      return withValueAt(value, [...path, `k${where % 7}`], nasty);
    default:
      return withValueAt(value, path, nasty);
  }
}

/** Every place in `value` that could hold something else, the whole first. */
export function placesIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesIn(item, [...path, key]))];
}

export function withValueAt(value: unknown, [key, ...rest]: Path, put: unknown): unknown {
  if (key === undefined) return put;
  const copy: Json = Array.isArray(value) ? [...value] : { ...(value as Json) };
  copy[key] = withValueAt(copy[key], rest, put);
  return copy;
}

function withoutPlace(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.filter((_, index) => String(index) !== String(key))
      : value.map((item, index) => (String(index) === String(key) ? withoutPlace(item, rest) : item));
  }
  const { [key]: item, ...others }: Json = value;
  return rest.length === 0 ? others : { ...others, [key]: withoutPlace(item, rest) };
}
