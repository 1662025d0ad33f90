import { isUtf8 } from "node:buffer";
import { cellsOf, type Line, NULL_CELL, unescapeCell, withoutMark } from "../../core/copy-text.ts";

/**
 * The row's cells; one that is no UTF-8 is given as its bytes, `\x...`.
 * @param isMarked such cells begin with a mark, which is no part of them
 */
export function decodeLine(line: Line, isMarked: boolean): (string | null)[] {
  return cellsOf(line).map((cell) => {
    if (cell.equals(NULL_CELL)) return null;
    if (isUtf8(cell)) return unescapeCell(cell.toString());
    const bytes = isMarked ? withoutMark(cell) : cell;
    return `\\x${Buffer.from(unescapeCell(bytes.toString("latin1")), "latin1").toString("hex")}`;
  });
}

/** Which cell is no UTF-8; -1 where all are. */
export function findMisencoded(line: Line): number {
  return isUtf8(line) ? -1 : cellsOf(line).findIndex((cell) => !isUtf8(cell));
}
