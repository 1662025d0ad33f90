import { isUtf8 } from "node:buffer";

/** One row of COPY's text format, with the newline that ends it. */
export type Line = Buffer;

/** What is held at once; a row that is longer comes alone. */
const PORTION_BYTES = 4 * 1024 * 1024;

const NEWLINE = 0x0a;
const TAB = 0x09;

/** A newline within a value is escaped, so that the byte always ends a row. */
export async function* portionsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Line[], void, undefined> {
  let lines: Line[] = [];
  let bytes = 0;
  let begun: Buffer[] = [];
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end + 1);
      const line = begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      from = end + 1;
      lines.push(line);
      bytes += line.length;
      if (bytes >= PORTION_BYTES) {
        yield lines;
        lines = [];
        bytes = 0;
      }
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  if (lines.length > 0) yield lines;
}

const UNESCAPED: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The row's cells; one that is no UTF-8 is given as its bytes, `\x...`. */
export function decodeLine(line: Line): (string | null)[] {
  return cellsOf(line).map((cell) => {
    if (cell.equals(NULL_CELL)) return null;
    if (isUtf8(cell)) return unescapeCell(cell.toString());
    return `\\x${Buffer.from(unescapeCell(cell.toString("latin1")), "latin1").toString("hex")}`;
  });
}

/** Which cell is no UTF-8; -1 where all are. */
export function findMisencoded(line: Line): number {
  return isUtf8(line) ? -1 : cellsOf(line).findIndex((cell) => !isUtf8(cell));
}

const NULL_CELL = Buffer.from("\\N");

function cellsOf(line: Line): Buffer[] {
  const cells: Buffer[] = [];
  let from = 0;
  for (let end = line.indexOf(TAB); end !== -1; end = line.indexOf(TAB, from)) {
    cells.push(line.subarray(from, end));
    from = end + 1;
  }
  cells.push(line.subarray(from, line.length - 1));
  return cells;
}

function unescapeCell(cell: string): string {
  return cell.replace(/\\(.)/g, (_, character: string) => UNESCAPED[character] ?? character);
}
