import { readFileSync, writeFileSync } from "node:fs";

/** Linux keeps the highest resident size of each process, and starts anew when asked to. */
export function watchPeakRss(pid: number | null): { peakMb(): number | null } {
  if (pid !== null && process.platform === "linux") writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return { peakMb: () => readStatus(pid, "VmHWM") };
}

/** Resident memory now; null where the system does not tell. */
export function rssMb(pid: number | null): number | null {
  return readStatus(pid, "VmRSS");
}

function readStatus(pid: number | null, field: string): number | null {
  if (pid === null || process.platform !== "linux") return null;
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kilobytes === undefined ? null : (Number(kilobytes) * 1024) / 1e6;
}
