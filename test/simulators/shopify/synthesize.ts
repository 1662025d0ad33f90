import {
  type GraphQLLeafType,
  type GraphQLOutputType,
  getNullableType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
} from "graphql";
import { objectsOf } from "./schema.ts";

/** An object as it is resolved: a record of the store, or a value within one. */
export interface Resolved {
  type: string;
  fields: Record<string, unknown>;
  /** Fields that were not given follow from it: the same seed, the same values. */
  seed: string;
}

/**
 * A value for a field that nobody gave: it follows from the object and the field's name, so that a column with another field's value shows.
 * A field that may be null is null for every fourth object. Objects with an id of their own are only there where they were given.
 */
export function synthesize(type: GraphQLOutputType, seed: string, field: string): unknown {
  const hash = hashOf(`${seed}.${field}`);
  if (!isNonNullType(type) && hash % 4 === 0) return null;
  const inner = getNullableType(type);
  if (isListType(inner)) {
    const items = Array.from({ length: hash % 3 }, (_, i) =>
      synthesize(inner.ofType, `${seed}.${field}`, String(i)),
    ).filter((item) => item !== null);
    return items;
  }
  if (isLeafType(inner)) return leafOf(inner, hash, field);
  const objects = objectsOf(inner.name);
  const name = objects[hash % objects.length];
  if (name === undefined) return null;
  return { type: name, fields: {}, seed: `${seed}.${field}` } satisfies Resolved;
}

const AWKWARD = ['\t"', "\n", "\\N", "'é", "漢字", "\u{1f6d2}", "a,b", "NULL"];

function leafOf(type: GraphQLLeafType, hash: number, field: string): unknown {
  if (isEnumType(type)) {
    const values = type.getValues();
    return values[hash % values.length]?.value;
  }
  const make = SCALARS[type.name];
  return make === undefined ? `${type.name} ${field} ${hash % 1_000}` : make(hash, field);
}

/** More digits than a double holds, and all of them count. */
const decimal = (hash: number): string =>
  hash % 5 === 0 ? `9007199254740993.${10 + (hash % 90)}` : `${hash % 100_000}.${String(hash % 100).padStart(2, "0")}`;

const SCALARS: Record<string, (hash: number, field: string) => unknown> = {
  Boolean: (hash) => hash % 2 === 1,
  Int: (hash) => hash % 1_000,
  Float: (hash) => (hash % 100_000) / 1_000,
  Decimal: decimal,
  Money: decimal,
  String: (hash, field) => `${field} ${hash % 1_000}${hash % 3 === 0 ? (AWKWARD[hash % AWKWARD.length] ?? "") : ""}`,
  ID: (hash, field) => `gid://shopify/${field}/${hash}`,
  DateTime: (hash) => `${new Date(Date.UTC(2025, 0, 1) + (hash % 30_000_000) * 1_000).toISOString().slice(0, 19)}Z`,
  Date: (hash) => new Date(Date.UTC(2025, 0, 1 + (hash % 300))).toISOString().slice(0, 10),
  URL: (hash, field) => `https://cdn.example/${field}/${hash}`,
  UnsignedInt64: (hash) => `9007199254${hash % 1_000_000_000}`,
  BigInt: (hash) => `9007199254${hash % 1_000_000_000}`,
  JSON: (hash) => ({ number: hash % 100, list: [null, "x"] }),
  UtcOffset: () => "+01:00",
};

/** 32 bits, the same on every machine (FNV-1a). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 15)) >>> 0;
}
