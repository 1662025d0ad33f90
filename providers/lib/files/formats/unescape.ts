import { type CsvMarks, QUOTED } from "./csv-scan.ts";

/** @returns the bytes of a cell with `ESCAPED`, as they are meant */
export function unescapeBytes(cell: Buffer, flags: number, { quote, escapeMark }: CsvMarks): Buffer {
  const plain = Buffer.allocUnsafe(cell.length);
  let length = 0;
  for (let i = 0; i < cell.length; i += 1) {
    const next = cell[i + 1];
    const isMark = cell[i] === escapeMark && i + 1 < cell.length;
    // Within quotes an escape counts before itself and a quote; without quotes, before any character.
    if (isMark && ((flags & QUOTED) === 0 || next === quote || next === escapeMark)) i += 1;
    plain[length] = cell[i] ?? 0;
    length += 1;
  }
  return plain.subarray(0, length);
}
