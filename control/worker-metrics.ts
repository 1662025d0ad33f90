import { type Sample, sampleEach } from "../core/metrics.ts";
import type { QueueSlots } from "../db/worker-tables.ts";
import type { Loop } from "./loop.ts";

interface Moved {
  rowsRead?: number;
  rowsWritten?: number;
  rowsRejected?: number;
  bytesRead?: number;
}

/** What a worker tells of its work. */
export interface WorkerMeter {
  noteMoved(moved: Moved): void;
  read(worker: { slots: Record<string, QueueSlots>; loops: Loop[] }): Sample[];
}

export function createWorkerMeter(): WorkerMeter {
  const moved = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0, bytesRead: 0 };
  return {
    noteMoved({ rowsRead = 0, rowsWritten = 0, rowsRejected = 0, bytesRead = 0 }) {
      moved.rowsRead += rowsRead;
      moved.rowsWritten += rowsWritten;
      moved.rowsRejected += rowsRejected;
      moved.bytesRead += bytesRead;
    },
    read({ slots, loops }) {
      return [
        ...Object.entries(slots).flatMap(([queue, own]): Sample[] => [
          { name: "sluice_worker_slots", labels: { queue }, value: own.slots },
          { name: "sluice_worker_slots_used", labels: { queue }, value: own.used },
        ]),
        { name: "sluice_rows_read_total", value: moved.rowsRead },
        { name: "sluice_rows_written_total", value: moved.rowsWritten },
        { name: "sluice_rows_rejected_total", value: moved.rowsRejected },
        { name: "sluice_bytes_read_total", value: moved.bytesRead },
        ...loops.flatMap((loop): Sample[] => {
          const succeededAtMs = loop.succeededAtMs();
          if (succeededAtMs === null) return [];
          const labels = { loop: loop.name };
          return [{ name: "sluice_loop_last_success_timestamp_seconds", labels, value: succeededAtMs / 1000 }];
        }),
        ...sampleEach("sluice_loop_failures_total", "loop", failuresOf(loops)),
      ];
    },
  };
}

function failuresOf(loops: Loop[]): Record<string, number> {
  return Object.fromEntries(loops.map((loop) => [loop.name, loop.failures()]));
}
