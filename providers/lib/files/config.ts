import { z } from "zod";
import { columnChoiceMembers, isOneChoice, ONE_CHOICE } from "../column-choice.ts";
import { isKnownEncoding } from "../known-encoding.ts";

/**
 * How one table is made of files: which ones, and how each is read. A sync's config has a list of them, `files`
 * (`fileTablesSchema`). The API process loads this file, so it imports declarations alone.
 */

/** entityKey of the listing: all files, one row each. */
export const LISTING_KEY = "files";

const MAX_GLOB = 512;
const DEFAULT_IGNORE = ["*.part", "*.tmp", "*.filepart", ".~lock*", ".*"];

const glob = z.string().min(1).max(MAX_GLOB);
const asciiCharacter = z
  .string()
  .regex(/^[\t\x20-\x7e]$/, "Must be one character of ASCII")
  .describe("One character of ASCII.");
const name = z.string().min(1).max(255);

const encoding = z
  .string()
  .max(40)
  .default("auto")
  .refine(
    (label) => label === "auto" || isKnownEncoding(label),
    "Is no encoding that is known, such as utf-8, utf-16le, iso-8859-1 or windows-1252",
  )
  .describe(
    "auto: what a byte order mark says, UTF-16 where the first bytes look like it, or UTF-8. Else a name such as utf-8, iso-8859-1, windows-1252 or shift_jis.",
  );

const columnTypes = z
  .record(
    name,
    z.enum([
      ...(["text", "bigint", "numeric", "double precision", "boolean", "date", "uuid", "jsonb"] as const),
      ...(["timestamp with time zone", "timestamp without time zone"] as const),
    ]),
  )
  .default({})
  .describe("Types of columns by their names in the table, instead of those that the values of a sample show.");

const delimited = {
  quote: asciiCharacter
    .nullable()
    .default('"')
    .describe("Around cells that hold delimiters, quotes or newlines; null: there are no quotes."),
  escape: asciiCharacter
    .nullable()
    .default(null)
    .describe("Before a quote within quotes, or before any character where quote is null. Null: a quote is doubled."),
  header: z.boolean().default(true).describe("The first record has the names of the columns."),
  columns: z
    .array(name)
    .min(1)
    .max(1600)
    .optional()
    .describe("Names where header is false; absent: column_1 and so on."),
  encoding,
  nullValues: z
    .array(z.string().max(100))
    .max(20)
    .default([""])
    .describe(
      "Cells without quotes that are NULL. In columns of another type than text, an empty cell is NULL always, and quotes make no difference.",
    ),
  skipRows: z.int().min(0).max(10_000).default(0).describe("Lines before the header that are left out."),
  columnTypes,
};

const format = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("csv"), delimiter: asciiCharacter.default(","), ...delimited }),
    z.strictObject({ type: z.literal("tsv"), delimiter: asciiCharacter.default("\t"), ...delimited }),
    z.strictObject({ type: z.literal("ndjson"), encoding, columnTypes }),
    z.strictObject({
      type: z.literal("json"),
      recordPath: z
        .string()
        .max(500)
        .optional()
        .describe(
          "Where the list of records is: members with dots between them. Absent: the document is the list, or one record.",
        ),
      encoding,
      columnTypes,
    }),
  ])
  .describe("How the files are written.");

const pathParts = z
  .union([
    z.literal("hive").describe("Each folder `name=value` of the path."),
    z.strictObject({
      regex: z
        .string()
        .min(1)
        .max(500)
        .describe("Its named groups become columns. It is searched in the path. No lookaround, no backreferences."),
    }),
  ])
  .describe("Columns of text that are made of a file's path.");

export const fileResourceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/, "Must begin with a letter and have only a-z, 0-9 and _")
    .describe("entityKey of the table."),
  description: z.string().max(1000).optional(),
  pathGlob: glob.describe(
    "Which files, by path: `*` and `?` within a folder, `**` for folders, `[a-z]`, `{a,b}`. What stands before the first of them narrows the listing.",
  ),
  format,
  compression: z
    .enum(["auto", "none", "gzip", "zstd"])
    .default("auto")
    .describe("auto: as the first bytes of each file say."),
  primaryKey: z
    .array(name)
    .max(32)
    .default([])
    .describe(
      "Columns that tell rows apart over all files: a row of a file that is read later replaces it; within a run, files are read in the order of their paths. Empty: a row belongs to its file, and a changed file replaces its rows.",
    ),
  onGone: z
    .enum(["remove", "keep"])
    .default("remove")
    .describe("What becomes of the rows of a file that is not there any more. With a primaryKey they are kept."),
  minAgeSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .optional()
    .describe("Younger files are left for the next run. Absent: as the provider has it."),
  maxFileBytes: z
    .int()
    .min(1)
    .default(1024 ** 4)
    .describe("Larger files are not read, and the run says so."),
  maxExpandedBytes: z
    .int()
    .min(1)
    .default(1024 ** 4)
    .describe("Of one file, unpacked."),
  maxExpansion: z
    .int()
    .min(2)
    .max(1_000_000)
    .default(1000)
    .describe("How many times as large as packed a file may become."),
  maxRecordBytes: z
    .int()
    .min(1024)
    .max(64 * 1024 ** 2)
    .default(16 * 1024 ** 2)
    .describe("Of one record. A longer one ends the reading of its file."),
  ignore: z.array(glob).max(50).default(DEFAULT_IGNORE).describe("Names of files, and of folders, that are left out."),
  pathParts: pathParts.optional(),
  ...columnChoiceMembers,
});
export type FileResource = z.output<typeof fileResourceSchema>;

/**
 * `files` of a sync's config.
 * @param declared entityKeys of the connector's other tables, which no table of files may have
 */
export function fileTablesSchema(declared: readonly string[]) {
  const taken = [LISTING_KEY, ...declared];
  return z
    .array(fileResourceSchema.refine(isOneChoice, ONE_CHOICE))
    .max(500)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "Names must be different")
    .refine((all) => !all.some(({ name }) => taken.includes(name)), `Names must not be ${taken.join(", ")}`)
    .default([])
    .describe("Tables that are made of files, one entry each.");
}
