/** COPY's text format: rows are lines, cells are parts between tabs. Newlines and tabs within a value are escaped. */

/** One row, with the newline that ends it. */
export type Line = Buffer;

const NEWLINE = 0x0a;
const TAB = 0x09;

/**
 * Some lines at a time.
 * @param bytes what is held at once; a line that is longer comes alone
 */
export async function* portionsOf(
  stream: AsyncIterable<Buffer>,
  bytes: number,
): AsyncGenerator<Line[], void, undefined> {
  let lines: Line[] = [];
  let held = 0;
  let begun: Buffer[] = [];
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end + 1);
      const line = begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      from = end + 1;
      lines.push(line);
      held += line.length;
      if (held >= bytes) {
        yield lines;
        lines = [];
        held = 0;
      }
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  if (lines.length > 0) yield lines;
}

/** Still escaped. */
export function cellsOf(line: Line): Buffer[] {
  const cells: Buffer[] = [];
  let from = 0;
  for (let end = line.indexOf(TAB); end !== -1; end = line.indexOf(TAB, from)) {
    cells.push(line.subarray(from, end));
    from = end + 1;
  }
  cells.push(line.subarray(from, line.length - 1));
  return cells;
}

/** @returns the line of these cells, which are escaped */
export function lineOf(cells: readonly Buffer[]): Line {
  return Buffer.concat([
    ...cells.flatMap((cell, i) => (i === 0 ? [cell] : [Buffer.of(TAB), cell])),
    Buffer.of(NEWLINE),
  ]);
}

/** A cell that is NULL. */
export const NULL_CELL = Buffer.from("\\N");

const UNESCAPED: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

export function unescapeCell(cell: string): string {
  return cell.replace(/\\(.)/g, (_, character: string) => UNESCAPED[character] ?? character);
}

/** No UTF-8 has it. Before a cell it says: what follows is text in the source's own encoding, which UTF-8 has no equivalent of. */
const UNCONVERTED = 0xff;

export function markUnconverted(cell: Buffer): Buffer {
  return Buffer.concat([Buffer.of(UNCONVERTED), cell]);
}

export function isUnconverted(cell: Buffer): boolean {
  return cell[0] === UNCONVERTED;
}

/** @returns the cell as it was before it was marked, or as it is where it was not */
export function withoutMark(cell: Buffer): Buffer {
  return isUnconverted(cell) ? cell.subarray(1) : cell;
}
