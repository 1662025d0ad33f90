import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isObject, type JsonValue, jsonOf } from "../http/json.ts";
import { parentColumnPath } from "./column-names.ts";
import { createNumberSet, type NumberSet } from "./number-set.ts";
import type { Resource } from "./resources.ts";
import { selectOne } from "./selector.ts";
import type { TallyState } from "./tally-state.ts";

/** Up to 24 bytes each. */
const MOST_KEYS = 1_000_000;
/** Before others get their turn at the loop. */
const KEYS_AT_ONCE = 50_000;

/** A checkpoint with so many of them has 200 kB. */
const MOST_STORED_KEYS = 25_000;
const HASH_BYTES = 6;

type Keyed = Pick<Resource, "primaryKey" | "parentFields">;

/** Of a record itself, without what it gets of its parent. */
export function ownKeyPaths({ primaryKey, parentFields }: Keyed): string[] {
  const inherited = new Set(parentFields.map(parentColumnPath));
  return primaryKey.filter((path) => !inherited.has(path));
}

/** A hash of each record's key; null where records have none of their own. */
export function hashKeys(records: readonly JsonValue[], resource: Keyed): Float64Array<ArrayBuffer> | null {
  const paths = ownKeyPaths(resource);
  if (paths.length === 0) return null;
  return Float64Array.from(records, (record) => {
    const key = isObject(record) ? (jsonOf(paths.map((path) => selectOne(record, path) ?? null)) ?? "") : "";
    return createHash("sha1").update(key).digest().readUIntBE(0, HASH_BYTES);
  });
}

/** Counts different keys of one reading of a listing. */
export interface KeyTally {
  /** @param hashes see `hashKeys` @returns how many of them had not come before; null where the records have no key of their own */
  add(hashes: Float64Array | null): Promise<number | null>;
  /** Equal for two readings that gave the same keys equally often; null where it is not known of a part of the reading. */
  digest(): number | null;
  /** False: not all keys are known, since they are too many or the reading was resumed; one of them may have come again. */
  isWhole(): boolean;
  /** With which a tally goes on after the reading was interrupted; undefined where keys of a part are unknown, or there are none. */
  state(): TallyState | undefined;
}

const WITHOUT_KEYS: KeyTally = { add: async () => null, digest: () => 0, isWhole: () => true, state: () => undefined };

/** @param before null: from the first page on. Undefined: nothing is known of the pages before */
export function createKeyTally({ primaryKey, parentFields }: Keyed, before: TallyState | null | undefined): KeyTally {
  if (ownKeyPaths({ primaryKey, parentFields }).length === 0) return WITHOUT_KEYS;
  const stored = before === null ? "" : (before?.hashes ?? null);
  const seen = createNumberSet();
  for (const hash of stored === null ? [] : hashesIn(stored)) seen.add(hash);
  let sum = before === null ? 0 : (before?.sum ?? null);
  return {
    async add(hashes) {
      let added = 0;
      for (const [i, hash] of (hashes ?? new Float64Array()).entries()) {
        if (i % KEYS_AT_ONCE === KEYS_AT_ONCE - 1) await nextTurn();
        if (sum !== null) sum = (sum + hash) % 2 ** 48;
        if (seen.has(hash)) continue;
        if (seen.size < MOST_KEYS) seen.add(hash);
        added += 1;
      }
      return added;
    },
    digest: () => sum,
    isWhole: () => stored !== null && seen.size < MOST_KEYS,
    state() {
      if (sum === null) return undefined;
      const isStored = stored !== null && seen.size <= MOST_STORED_KEYS;
      return { sum, hashes: isStored ? textOf(seen) : null };
    },
  };
}

function textOf(hashes: NumberSet): string {
  const bytes = Buffer.alloc(hashes.size * HASH_BYTES);
  let at = 0;
  for (const hash of hashes) at = bytes.writeUIntBE(hash, at, HASH_BYTES);
  return bytes.toString("base64");
}

function hashesIn(text: string): number[] {
  const bytes = Buffer.from(text, "base64");
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => bytes.readUIntBE(i * HASH_BYTES, HASH_BYTES));
}
