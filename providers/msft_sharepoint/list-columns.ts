import { isObject, type JsonObject } from "../lib/http/json.ts";
import { nameColumns } from "../lib/rest/column-names.ts";
import type { FieldType } from "../lib/rest/field-types.ts";
import type { NamedColumns } from "../provider.ts";
import { textOf } from "./site-catalog.ts";

/** A column that a list defines, as its table has it. */
export interface ListColumn {
  /** Where an item has it: `fields.Amount`. */
  path: string;
  column: string;
  type: FieldType;
  description: string;
}

export interface ListColumns {
  columns: ListColumn[];
  /** Every name that was ever given, by path. */
  names: ReadonlyMap<string, string>;
  /** Members of `fields` that SharePoint makes of others, and that no column shows. */
  leftOut: string[];
}

/**
 * What SharePoint computes for its own pages (links, icons, boxes to tick), or what the item itself has: `fields` repeats it. All else that Graph gives is
 * somebody's data, also where nobody can write it: retention labels, counts of comments and likes.
 * https://learn.microsoft.com/sharepoint/dev/schema/built-in-fields
 */
export const COMPUTED = [
  // `ID` is defined under this name and given as `id`.
  ...["id", "ID", "ContentType", "Created", "Modified", "Edit", "DocIcon", "SelectTitle", "SelectFilename"],
  ...["LinkTitle", "LinkTitleNoMenu", "LinkTitle2", "LinkFilename", "LinkFilenameNoMenu", "LinkFilename2"],
];

/**
 * Defined as a lookup or as nothing at all, since SharePoint has them in tables of its own: their value comes under their own name, and is
 * empty text where there is none.
 */
const BUILT_IN: Record<string, FieldType> = {
  ...{ _CommentCount: "bigint", _LikeCount: "bigint", ItemChildCount: "bigint", FolderChildCount: "bigint" },
  ...{ FileSizeDisplay: "bigint", ParentVersionString: "text", ParentLeafName: "text", AccessPolicy: "text" },
  ...{ _ComplianceTag: "text", _ComplianceFlags: "text", _ComplianceTagUserId: "text" },
  ...{ _ComplianceTagWrittenTime: "text", _IsRecord: "text", _VirusStatus: "text" },
};

/**
 * The columns that a list's definitions make. A value that does not fit its column goes to `_unmapped`: the definitions of a list change more often
 * than its items do.
 * @param definitions https://learn.microsoft.com/graph/api/resources/columndefinition
 * @param taken names of columns that all lists have
 * @param named names that columns ever had: they stay
 */
export function toListColumns(
  definitions: readonly JsonObject[],
  taken: readonly string[],
  named: NamedColumns | undefined,
): ListColumns {
  const computed = new Set(COMPUTED);
  const shown = definitions.filter(({ name, hidden }) => textOf(name) !== "" && hidden !== true);
  const wanted = shown
    .filter(({ name }) => !computed.has(textOf(name)))
    .map((definition) => ({ ...fieldOf(definition), definition }));
  const given = new Map([
    // No list column gets a name that an item's own column has.
    ...taken.map((name) => [`own:${name}`, name] as const),
    ...Object.entries(named?.names ?? {}),
  ]);
  const names = nameColumns(
    wanted.map(({ path, readable }) => ({ id: path, path: readable, declared: false })),
    given,
  );
  return {
    columns: wanted.map(({ path, type, definition }) => ({
      ...{ path, type, column: names.get(path) ?? "", description: describe(definition) },
    })),
    names: new Map([...names].filter(([id]) => !id.startsWith("own:"))),
    leftOut: COMPUTED.flatMap((name) => [name, `${name}LookupId`]),
  };
}

/** `readable`: what the column's name is made of. */
function fieldOf(definition: JsonObject): { path: string; type: FieldType; readable: string } {
  const name = textOf(definition.name);
  const readable = decodeName(name);
  const { lookup, personOrGroup } = definition;
  const builtIn = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  const isOwnWord = typeOf(definition) !== "jsonb" && !isObject(lookup);
  if (builtIn !== undefined)
    return { path: `fields.${name}`, type: isOwnWord ? typeOf(definition) : builtIn, readable };
  const isSingle =
    (isObject(lookup) && lookup.allowMultipleValues !== true) ||
    (isObject(personOrGroup) && personOrGroup.allowMultipleSelection !== true);
  // What is looked up is told by its id: https://learn.microsoft.com/graph/api/resources/fieldvalueset
  if (isSingle) return { path: `fields.${name}LookupId`, type: "text", readable: `${readable}_lookup_id` };
  return { path: `fields.${name}`, type: typeOf(definition), readable };
}

/** SharePoint writes empty text there where it has no value. */
export function isEmptyBuiltIn(name: string, value: unknown): boolean {
  return value === "" && Object.hasOwn(BUILT_IN, name);
}

/** SharePoint writes what is no letter or digit as its code: `Due_x0020_Date`. */
function decodeName(name: string): string {
  return name.replace(/_x([0-9a-f]{4})_/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

const NUMBER: FieldType = "numeric";
const INSTANT: FieldType = "timestamp with time zone";

function typeOf({ boolean, number, currency, dateTime, text, choice, calculated }: JsonObject): FieldType {
  if (isObject(boolean)) return "boolean";
  if (isObject(number) || isObject(currency)) return NUMBER;
  if (isObject(dateTime)) return INSTANT;
  if (isObject(text)) return "text";
  // Boxes to tick: several choices at once.
  if (isObject(choice)) return choice.displayAs === "checkBoxes" ? "jsonb" : "text";
  if (isObject(calculated)) return CALCULATED[textOf(calculated.outputType)] ?? "text";
  // Several people or lookups, places, links, pictures, terms, and what Graph has no word for yet.
  return "jsonb";
}

const CALCULATED: Record<string, FieldType> = {
  boolean: "boolean",
  currency: NUMBER,
  number: NUMBER,
  dateTime: INSTANT,
};

function describe({ name, displayName, description }: JsonObject): string {
  const title = textOf(displayName) || textOf(name);
  return textOf(description) === "" ? title : `${title}: ${textOf(description)}`;
}
