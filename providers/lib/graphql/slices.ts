import type { Batch } from "../../batch.ts";
import type { ReadRequest } from "../../provider.ts";
import { JobRefusedError } from "../jobs.ts";
import { ListTooLongError } from "../rest/cut-lists.ts";
import type { Engine } from "./engine.ts";
import { EXPORTED, type ExportReader } from "./export-reader.ts";
import { type FollowUpPosition, type FollowUps, followUpSchema } from "./follow-ups.ts";

interface SliceReading {
  engine: Engine;
  /** Null where nothing but pages can be read. */
  exporter: ExportReader | null;
  followUps: FollowUps;
  takeBytes(): number;
}

/** Slices: the records, by export or by pages, then what else lies in the window. */
export function createSlices({ engine, exporter, followUps, takeBytes }: SliceReading) {
  async function* readRecords(request: ReadRequest): AsyncGenerator<Batch, void> {
    if (exporter === null || !exporter.takes(request)) return yield* readPages(request);
    try {
      yield* exporter.read(request);
    } catch (error) {
      if (!(error instanceof JobRefusedError)) throw error;
      await request.warn?.(
        `${request.spec.entityKey}: the source does no export job (${error.message}), so pages are read instead. That takes longer.`,
      );
      yield* engine.source.read({ ...request, checkpoint: null });
    }
  }

  /**
   * An export has no bound of the vendor's on the list of one parent, so it takes the slice over where pages meet one, from its start: what they gave
   * is given again, and replaces itself by its key.
   */
  async function* readPages(request: ReadRequest): AsyncGenerator<Batch, void> {
    try {
      yield* engine.source.read(request);
    } catch (error) {
      if (!(error instanceof ListTooLongError) || exporter === null || request.spec.keyColumns.length === 0)
        throw error;
      await request.warn?.(
        `${request.spec.entityKey}: a parent has more children than the source gives page by page, so an export job reads this part of the table.`,
      );
      yield* exportInstead(exporter, request, error);
    }
  }

  return {
    async *read(request: ReadRequest): AsyncGenerator<Batch, void> {
      const { checkpoint } = request;
      const more = followUps.count(request);
      const from = checkpoint?.followUp === undefined ? null : followUpSchema.parse(checkpoint.followUp);
      let newest = checkpoint?.newest ?? undefined;
      if (from === null && checkpoint?.[EXPORTED] !== true) {
        for await (const batch of readRecords(request)) {
          newest = batch.checkpoint?.newest ?? newest;
          // The engine does not see what came over the wire: this source counts it.
          const counted = batch.kind === "copy" ? batch : { ...batch, bytesRead: takeBytes() };
          yield { ...counted, final: batch.final && more === 0 };
        }
      }
      if (more > 0 && !isOver(from, more)) {
        for await (const batch of followUps.readListings(request, from, newest)) {
          yield batch.kind === "copy" ? batch : { ...batch, bytesRead: takeBytes() };
        }
      }
    },
  };
}

async function* exportInstead(
  exporter: ExportReader,
  request: ReadRequest,
  tooLong: ListTooLongError,
): AsyncGenerator<Batch, void> {
  try {
    yield* exporter.read({ ...request, checkpoint: null });
  } catch (error) {
    if (!(error instanceof JobRefusedError)) throw error;
    const { reasonCode, what, fix } = tooLong;
    throw new ListTooLongError(reasonCode, `${what} The source does no export job either: ${error.message}.`, {
      fix,
      cause: error,
    });
  }
}

function isOver(from: FollowUpPosition | null, count: number): boolean {
  return from !== null && from.index >= count;
}
