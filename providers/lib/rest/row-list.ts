import type { Cells, RowList } from "../../../core/row-list.ts";

/** Rows as JSON text: outside of the heap, and in a fraction of what their cells would take there. */
export interface EncodedRows {
  bytes: Uint8Array<ArrayBuffer>;
  rows: number;
}

export function encodeRows(rows: Cells[]): EncodedRows {
  return { bytes: new TextEncoder().encode(JSON.stringify(rows)), rows: rows.length };
}

function decodeRows({ bytes }: EncodedRows): Cells[] {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
}

/** Of several lists one; the cells of one encoded piece at a time are in memory. */
export function joinRows(pieces: readonly (Cells[] | EncodedRows)[]): RowList {
  if (pieces.every((piece) => Array.isArray(piece))) return pieces.length === 1 ? (pieces[0] ?? []) : pieces.flat();
  const starts: number[] = [];
  let length = 0;
  for (const piece of pieces) {
    starts.push(length);
    length += sizeOf(piece);
  }
  let decoded: { piece: number; rows: Cells[] } | null = null;
  const rowsOf = (piece: number): Cells[] => {
    const rows = pieces[piece] ?? [];
    if (Array.isArray(rows)) return rows;
    if (decoded?.piece !== piece) decoded = { piece, rows: decodeRows(rows) };
    return decoded.rows;
  };
  return {
    length,
    at(index) {
      // Far fewer pieces than rows, and most ask in order.
      const piece = starts.findLastIndex((start) => start <= index);
      return rowsOf(piece)[index - (starts[piece] ?? 0)];
    },
    *[Symbol.iterator]() {
      for (const piece of pieces.keys()) yield* rowsOf(piece);
      decoded = null;
    },
  };
}

function sizeOf(piece: Cells[] | EncodedRows): number {
  return Array.isArray(piece) ? piece.length : piece.rows;
}
