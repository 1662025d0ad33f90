import { TerminalError } from "../../core/errors.ts";

/** A relation as the catalog query names it. */
export interface Named {
  /** Unambiguous: `schema.table`, each part quoted as in SQL where it holds a dot or a quote. */
  entityKey: string;
  /** The key of earlier versions, which never quoted: two relations may have the same. */
  plainKey: string;
}

/** SQL. @param schema and `name`: expressions of type name */
export function entityKeySql(schema: string, name: string): string {
  const part = (text: string) =>
    `case when ${text} ~ '[."]' then '"' || replace(${text}, '"', '""') || '"' else ${text}::text end`;
  return `(${part(schema)} || '.' || ${part(name)})`;
}

/** SQL; see `Named`. */
export function plainKeySql(schema: string, name: string): string {
  return `(${schema} || '.' || ${name})`;
}

/** Names that the relation of a key may have, which an index finds: where a key is plain, its dots do not tell where a name begins. */
export function possibleNames(entityKey: string): string[] {
  const parts = entityKey.split(".");
  const plain = parts.map((_, n) => parts.slice(n).join("."));
  const quoted = /"((?:[^"]|"")+)"$/.exec(entityKey)?.[1];
  return quoted === undefined ? plain : [...plain, quoted.replaceAll('""', '"')];
}

/** What a sync means by a key that it has stored: the relation of that key, or else all that earlier versions called so. */
export function findNamed<T extends Named>(relations: readonly T[], entityKey: string): T[] {
  const exact = relations.filter((each) => each.entityKey === entityKey);
  return exact.length > 0 ? exact : relations.filter((each) => each.plainKey === entityKey);
}

export function ambiguousKey(entityKey: string, named: readonly Named[]): TerminalError {
  const keys = named.map((each) => each.entityKey).join(" and ");
  return new TerminalError("config_invalid", `postgres: ${entityKey} names ${named.length} tables or views: ${keys}.`, {
    fix: "Replace it in the sync's entities by the one that is meant, spelled like this.",
  });
}

/** Held bytes that are no UTF-8: whoever writes the name as it was read names something else. */
export function isMisdecoded(name: string): boolean {
  return name.includes("\uFFFD");
}

export function unnamedRelation(entityKey: string): TerminalError {
  return new TerminalError(
    "config_invalid",
    `postgres: ${entityKey} cannot be read: its name, or that of one of its columns or their types, is not UTF-8 and has no equivalent there, so that no statement can spell it.`,
    { fix: "Rename it at the source, or take the entity out of the sync." },
  );
}
