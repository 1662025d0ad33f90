import type { Run } from "../../client/index.ts";

const BAR_WIDTH = 30;
const PLAIN_EVERY_MS = 2_000;

export interface ProgressBars {
  show(run: Run): void;
  /** Leaves the last state on the screen. */
  close(): void;
}

/**
 * A bar per entity on a terminal, redrawn in place; elsewhere a plain line every two seconds.
 * @param expected rows that the run has to move, by entityKey; null where nobody knows before it has ended
 */
export function createProgressBars(output: NodeJS.WriteStream, expected: Record<string, number | null>): ProgressBars {
  const startedAt = Date.now();
  const width = Math.max(22, ...Object.keys(expected).map(({ length }) => length));
  let drawn = 0;
  let plainAt = 0;
  let last: Run | null = null;

  function lines(run: Run): string[] {
    return Object.entries(expected).map(([entityKey, total]) => {
      const { rows, status } = entityOf(run, entityKey);
      const bar = "█".repeat(Math.round(shareOf({ rows, status, total }) * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
      const moved = `${format(rows).padStart(9)}${total === null ? (rows === 1 ? " row " : " rows") : ` / ${format(total).padStart(9)}`}`;
      return `  ${entityKey.padEnd(width)} ${bar} ${moved}  ${status}`;
    });
  }

  function footer(run: Run): string {
    const rows = Object.keys(expected).reduce((sum, key) => sum + entityOf(run, key).rows, 0);
    const seconds = (Date.now() - startedAt) / 1000;
    return `  ${statusOf(run)}, ${format(rows)} rows in ${seconds.toFixed(1)} s, ${format(Math.round(rows / seconds))} rows/s`;
  }

  function redraw(run: Run): void {
    const up = drawn > 0 ? `\x1b[${drawn}A` : "";
    const text = [...lines(run), footer(run)];
    output.write(`${up}${text.map((line) => `\x1b[2K${line}\n`).join("")}`);
    drawn = text.length;
  }

  return {
    show(run) {
      last = run;
      if (output.isTTY) {
        redraw(run);
      } else if (Date.now() - plainAt >= PLAIN_EVERY_MS) {
        plainAt = Date.now();
        output.write(`${footer(run)}\n`);
      }
    },
    close() {
      if (last === null || output.isTTY) return;
      output.write(`${[...lines(last), footer(last)].join("\n")}\n`);
    },
  };
}

/** Of the bar. Done is done, also where rows that were there already did not have to be written again. */
function shareOf({ rows, status, total }: { rows: number; status: string; total: number | null }): number {
  if (status === "done" || total === 0) return 1;
  return total === null ? 0 : Math.min(rows / total, 1);
}

/** Rows moved so far, and how the entity stands, as the run's `summary` has it. */
export function entityOf(run: Run, entityKey: string): { rows: number; status: string } {
  const entities = run.summary.entities;
  const entity = isRecord(entities) ? entities[entityKey] : undefined;
  if (!isRecord(entity)) return { rows: 0, status: "planned" };
  return { rows: Number(entity.rows ?? 0), status: String(entity.status ?? "planned") };
}

/** With what it waits for: `waiting (source_job_running of orders)`. */
function statusOf({ status, summary: { waiting } }: Run): string {
  if (status !== "waiting" || !isRecord(waiting)) return status;
  const of = waiting.entityKey === undefined ? "" : ` of ${waiting.entityKey}`;
  return `waiting (${waiting.reason}${of})`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export function format(count: number): string {
  return count.toLocaleString("en-US");
}
