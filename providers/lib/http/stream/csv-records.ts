/** What divides records and fields, as bytes of UTF-8. */
export interface CsvMarks {
  /** One character of ASCII. */
  delimiter: number;
  /** Null where a quote is a character as others. */
  quote: number | null;
}

export type LineEnd = "\n" | "\r\n";

/** Behind the last of some records that all end in the same way. */
export interface RecordsEnd {
  at: number;
  lineEnd: LineEnd;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const BOM = Buffer.from("\ufeff");

type Place = "start of a field" | "plain field" | "within quotes" | "behind quotes";

/**
 * Finds where records end, so that a parser is given whole ones. A newline within quotes ends none. A quote counts at the beginning of a
 * field; within quotes two of them stand for one.
 */
export function createRecordFinder({ delimiter, quote }: CsvMarks) {
  let place: Place = "start of a field";
  let previous = 0;
  let isFirst = true;

  function next(byte: number): Place {
    if (place === "within quotes") return byte === quote ? "behind quotes" : place;
    if (byte === delimiter || byte === NEWLINE) return "start of a field";
    if (byte === quote && place !== "plain field") return "within quotes";
    return place === "behind quotes" && (byte === RETURN || byte === SPACE) ? place : "plain field";
  }

  return {
    /** What came so far ends within quotes. */
    isQuoted: () => place === "within quotes",
    endsIn(chunk: Buffer): RecordsEnd[] {
      const ends: RecordsEnd[] = [];
      // The mark of the encoding is no part of the first field.
      const begin = isFirst && chunk.subarray(0, 3).equals(BOM) ? 3 : 0;
      isFirst = false;
      for (let at = begin; at < chunk.length; at += 1) {
        const byte = chunk[at] ?? 0;
        if (byte === NEWLINE && place !== "within quotes") {
          const lineEnd = previous === RETURN ? "\r\n" : "\n";
          const last = ends.at(-1);
          if (last?.lineEnd === lineEnd) last.at = at + 1;
          else ends.push({ at: at + 1, lineEnd });
        }
        place = next(byte);
        previous = byte;
      }
      return ends;
    },
  };
}
