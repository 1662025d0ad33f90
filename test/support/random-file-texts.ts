import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Dice } from "./random.ts";

/** Files of tables, written by a writer that shares nothing with what reads them. What they hold is known beforehand. */
export interface WrittenFile {
  bytes: Buffer;
  /** Of each record, by column; absent: NULL. As Postgres shows it as text. */
  records: Record<string, string>[];
}

const WORDS = [
  "x",
  "é",
  "😀",
  '"',
  '""',
  "\n",
  "\r\n",
  "\t",
  ",",
  ";",
  "\\",
  "\\N",
  "\\.",
  " ",
  "'",
  "null",
  "0",
  "ß\u0301",
  "\u2028",
];

/** Begins with a letter, so that its column is text. */
function textOf(dice: Dice): string {
  return `t${Array.from({ length: dice.roll(6) }, () => dice.pick(WORDS)).join("")}`;
}

const VALUES: Record<string, (dice: Dice) => string> = {
  id: (dice) => String(dice.roll(2_000_000) - 1_000_000),
  zip: (dice) => `0${1000 + dice.roll(9000)}`,
  price: (dice) => `${dice.roll(100_000)}.${String(dice.roll(100)).padStart(2, "0")}`,
  flag: (dice) => dice.pick(["true", "false"]),
  day: (dice) => `2026-0${1 + dice.roll(9)}-1${dice.roll(10)}`,
  note: textOf,
  more: textOf,
};
export const TEXT_COLUMNS = Object.keys(VALUES);

function recordsOf(dice: Dice, columns: readonly string[]): Record<string, string>[] {
  return Array.from({ length: dice.roll(60) }, (_, row) => {
    const cells = columns.filter((name) => row === 0 || name === "id" || !dice.oneIn(5));
    return Object.fromEntries(cells.map((name) => [name, VALUES[name]?.(dice) ?? ""]));
  });
}

function someColumns(dice: Dice): string[] {
  const columns = TEXT_COLUMNS.filter((name) => name === "id" || !dice.oneIn(6));
  for (let at = columns.length - 1; at > 0; at -= 1) {
    const other = dice.roll(at + 1);
    [columns[at], columns[other]] = [columns[other] ?? "", columns[at] ?? ""];
  }
  return columns;
}

export function writeCsv(dice: Dice, delimiter: string): WrittenFile {
  const columns = someColumns(dice);
  const records = recordsOf(dice, columns);
  const newline = dice.pick(["\n", "\r\n", "\r"]);
  const cellOf = (cell: string | undefined): string => {
    if (cell === undefined) return "";
    const needsQuotes = [delimiter, '"', "\n", "\r"].some((mark) => cell.includes(mark));
    return needsQuotes || dice.oneIn(4) ? `"${cell.replaceAll('"', '""')}"` : cell;
  };
  const lines = [columns, ...records.map((record) => columns.map((name) => record[name]))].map((cells) =>
    cells.map(cellOf).join(delimiter),
  );
  const end = dice.oneIn(3) ? "" : newline;
  return { bytes: pack(dice, encode(dice, lines.join(newline) + end)), records };
}

export function writeNdjson(dice: Dice): WrittenFile {
  const records = recordsOf(dice, someColumns(dice));
  const stringOf = (text: string): string => {
    const json = JSON.stringify(text);
    return dice.oneIn(3)
      ? json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      : json;
  };
  const lines = records.map((record) => {
    const members = Object.entries(record).map(([name, value]) => {
      const json = ["id", "price", "flag"].includes(name) ? value : stringOf(value);
      return `"${name}"${dice.pick(["", " "])}:${dice.pick(["", " ", "\t"])}${json}`;
    });
    return `{${members.join(dice.pick([",", " , "]))}}${dice.oneIn(9) ? "\n" : ""}`;
  });
  const newline = dice.pick(["\n", "\r\n"]);
  return { bytes: pack(dice, encode(dice, lines.join(newline) + (dice.oneIn(3) ? "" : newline))), records };
}

function encode(dice: Dice, text: string): Buffer {
  const kind = dice.roll(8);
  if (kind === 0) return Buffer.from(`\ufeff${text}`, "utf16le");
  if (kind === 1) return Buffer.from(`\ufeff${text}`, "utf16le").swap16();
  return Buffer.from(kind === 2 ? `\ufeff${text}` : text);
}

function pack(dice: Dice, bytes: Buffer): Buffer {
  const kind = dice.pick(["none", "none", "gzip", "zstd"] as const);
  if (kind === "none") return bytes;
  const cut = dice.roll(bytes.length + 1);
  const pieces = dice.oneIn(2) ? [bytes] : [bytes.subarray(0, cut), bytes.subarray(cut)];
  if (kind === "gzip") return Buffer.concat(pieces.map((piece) => gzipSync(piece)));
  const skipped = Buffer.from("502a4d180400000001020304", "hex");
  return Buffer.concat(pieces.flatMap((piece) => [...(dice.oneIn(2) ? [skipped] : []), zstdCompressSync(piece)]));
}
