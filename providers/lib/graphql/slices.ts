import type { Batch } from "../../batch.ts";
import type { ReadRequest } from "../../provider.ts";
import { JobRefusedError } from "../jobs.ts";
import type { Engine } from "./engine.ts";
import { EXPORTED, type ExportReader } from "./export-reader.ts";
import { type FollowUpPosition, type FollowUps, followUpSchema } from "./follow-ups.ts";

interface SliceReading {
  engine: Engine;
  /** Null where pages are read in any case. */
  exporter: ExportReader | null;
  followUps: FollowUps;
  takeBytes(): number;
}

/** Slices: the records, by export or by pages, then what else lies in the window. */
export function createSlices({ engine, exporter, followUps, takeBytes }: SliceReading) {
  async function* readRecords(request: ReadRequest): AsyncGenerator<Batch, void> {
    if (exporter === null || !exporter.takes(request)) return yield* engine.source.read(request);
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

function isOver(from: FollowUpPosition | null, count: number): boolean {
  return from !== null && from.index >= count;
}
