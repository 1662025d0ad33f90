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

/** Where the next byte stands. Numbers, because it is asked of every byte. */
const FIELD_START = 0;
const IN_FIELD = 1;
const IN_QUOTES = 2;
const BEHIND_QUOTES = 3;

/**
 * Finds where records end, so that a parser is given whole ones. A newline within quotes ends none. A quote counts at the beginning of a
 * field; within quotes two of them stand for one.
 */
export function createRecordFinder({ delimiter, quote }: CsvMarks) {
  let place = FIELD_START;
  let previous = 0;
  let isFirst = true;

  function next(byte: number): number {
    if (byte === delimiter || byte === NEWLINE) return FIELD_START;
    if (byte === quote && place !== IN_FIELD) return IN_QUOTES;
    return place === BEHIND_QUOTES && (byte === RETURN || byte === SPACE) ? BEHIND_QUOTES : IN_FIELD;
  }

  return {
    /** What came so far ends within quotes. */
    isQuoted: () => place === IN_QUOTES,
    endsIn(chunk: Buffer): RecordsEnd[] {
      const ends: RecordsEnd[] = [];
      // The mark of the encoding is no part of the first field.
      const begin = isFirst && chunk.subarray(0, 3).equals(BOM) ? 3 : 0;
      isFirst = false;
      for (let at = begin; at < chunk.length; at += 1) {
        if (place === IN_QUOTES) {
          at = quote === null ? -1 : chunk.indexOf(quote, at);
          if (at === -1) break;
          place = BEHIND_QUOTES;
          continue;
        }
        const byte = chunk[at] ?? 0;
        if (byte === NEWLINE) {
          const isAfterReturn = (at > begin ? chunk[at - 1] : previous) === RETURN;
          addEnd(ends, { at: at + 1, lineEnd: isAfterReturn ? "\r\n" : "\n" });
        }
        place = next(byte);
      }
      previous = chunk.at(-1) ?? previous;
      return ends;
    },
  };
}

/** Records that end alike are parsed together. */
function addEnd(ends: RecordsEnd[], end: RecordsEnd): void {
  const last = ends.at(-1);
  if (last?.lineEnd === end.lineEnd) last.at = end.at;
  else ends.push(end);
}
