import type { TableNamingVersion } from "./vocabulary.ts";

/** Postgres cuts identifiers at 63 bytes. */
const MAX_IDENTIFIER_BYTES = 63;

/**
 * Lower snake case of anything, with the letters of every alphabet: `Order Items` -> `order_items`, `Größe` -> `größe`,
 * `public.订单` -> `public_订单`; never empty. Equal names in two forms of Unicode stay equal.
 */
export function normaliseName(name: string): string {
  return toSnakeCase(name.normalize("NFC"), /[^\p{L}\p{M}\p{N}]+/gu);
}

/** `Acme Orders` -> `acme-orders`: the slug of a sync, of ASCII letters and digits, at most 63 characters; never empty. */
export function slugify(name: string): string {
  const ascii = toSnakeCase(name.normalize("NFKD").replace(/\p{M}/gu, ""), /[^a-z0-9]+/g);
  return ascii.replaceAll("_", "-").slice(0, MAX_IDENTIFIER_BYTES).replace(/-+$/, "");
}

/** @param others what stands between words */
function toSnakeCase(name: string, others: RegExp): string {
  const snake = name
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .normalize("NFC")
    .replace(others, "_")
    .replace(/^_+|_+$/g, "");
  return snake === "" ? "unnamed" : snake;
}

/** FNV-1a over UTF-16 units, 8 hex digits: names need a short stable tail, not a cryptographic one (core imports nothing). */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** Shortens to 63 bytes; a shortened name ends in a hash of the whole, so that two long names stay apart. */
export function fitIdentifier(name: string): string {
  if (utf8Length(name) <= MAX_IDENTIFIER_BYTES) return name;
  const tail = `_${shortHash(name)}`;
  let head = name.slice(0, MAX_IDENTIFIER_BYTES);
  while (utf8Length(head) + tail.length > MAX_IDENTIFIER_BYTES) head = [...head].slice(0, -1).join("");
  return head + tail;
}

/** The table that an entity is loaded into. `tableName` is the user's override and wins as it is given. */
export function physicalTableName(input: {
  provider: string;
  sourceInstanceKey: string;
  logicalTableName: string;
  tableName: string | null;
  tableNamingVersion: TableNamingVersion;
}): string {
  if (input.tableName !== null) return input.tableName;
  switch (input.tableNamingVersion) {
    case "legacy":
      return fitIdentifier(input.logicalTableName);
    case "v1":
      return fitIdentifier(`${input.provider}_${input.logicalTableName}`);
    case "v2":
      return fitIdentifier(`${input.provider}__${normaliseName(input.sourceInstanceKey)}__${input.logicalTableName}`);
  }
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
