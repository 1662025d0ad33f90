import type { CopyBatch, RejectedRecord } from "../../../batch.ts";

/** Some rows of a file that follow each other. */
export interface Portion {
  format: CopyBatch["format"];
  /** Lines of COPY text, or rows of its binary format. Where there are rejects, text. */
  lines: Buffer;
  rows: number;
  rejects: RejectedRecord[];
  /** Records of the file so far, rejected ones too: the last one's `_row_number`. */
  rowNumber: number;
  /** Where the next record begins in the file; null where reading cannot begin there. */
  offset: number | null;
}

/** The rows of one file, from its start or from where a checkpoint says. */
export interface RowReader {
  /**
   * At most `maxRows` records; null at the end of the file.
   * @throws FileFault, or what the bytes of the file throw
   */
  next(maxRows: number): Promise<Portion | null>;
  /** Ends what is on its way. */
  close(): Promise<void>;
}

export interface FaultPlace {
  /** The `_row_number` of the first record that could not be read. */
  row: number;
  /** Of the unpacked file. */
  offset: number;
}

/** The file is not what it should be, from some place on. */
export class FileFault extends Error {
  override readonly name = "FileFault";
  readonly place: FaultPlace;

  /** @param what continues "the file", without values */
  constructor(what: string, place: FaultPlace, options?: ErrorOptions) {
    super(what, options);
    this.place = place;
  }
}

/** Of a record that is kept with a reject: the file has all of it. */
const MOST_RECORD_CHARACTERS = 16 * 1024;

/** Instead of a record of which columns are left out. */
export const HIDDEN_RECORD = "(not shown, since the sync leaves out columns)";

/** @param record as the file has it */
export function rejectOf(path: string, place: FaultPlace, { column, reason, record }: RejectedRecord): RejectedRecord {
  const shown = record.length > MOST_RECORD_CHARACTERS ? `${record.slice(0, MOST_RECORD_CHARACTERS)}…` : record;
  return { column, reason, record: JSON.stringify({ file: path, ...place, record: shown }) };
}
