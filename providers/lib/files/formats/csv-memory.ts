import { columnIdsOf } from "../column-ids.ts";
import type { BinaryTable } from "./binary-rows.ts";
import { cellTexts } from "./csv-rows.ts";
import { type CsvMarks, type CsvScan, clearScan, newScan } from "./csv-scan.ts";

/** What is kept from one file of a table to the next. Most have the same header, and many are so small that it costs as much as their rows. */
export interface CsvMemory {
  /** For one file at a time: its memory is used again. */
  scan(): CsvScan;
  /** What the columns of the header at `scan` are called; the same list for the same header. */
  idsOf(scan: CsvScan, marks: CsvMarks): string[];
  /** Made once for each list of `idsOf`. */
  tableOf(ids: readonly string[], newline: number, make: () => CsvTable): CsvTable;
}

export interface CsvTable {
  /** Null where rows go as text only. */
  binary: BinaryTable | null;
  /** Has the file one of the columns of the table? */
  isKnown: boolean;
}

export function createCsvMemory(): CsvMemory {
  const kept = newScan();
  let header: { bytes: Buffer; ids: string[] } | null = null;
  let table: { ids: readonly string[]; newline: number; made: CsvTable } | null = null;
  return {
    scan() {
      clearScan(kept);
      return kept;
    },
    idsOf(scan, marks) {
      const bytes = scan.bytes.subarray(scan.from, scan.at);
      if (header === null || !header.bytes.equals(bytes)) {
        header = { bytes: Buffer.from(bytes), ids: columnIdsOf(cellTexts(scan, marks)) };
      }
      return header.ids;
    },
    tableOf(ids, newline, make) {
      if (table?.ids !== ids || table.newline !== newline) table = { ids, newline, made: make() };
      return table.made;
    },
  };
}
