/** One measurement. */
export interface Sample {
  seconds: number;
  rows: number;
  /** The highest resident memory of the program that moved the rows; null where it is not known. */
  peakRssMb: number | null;
  /** Why it does not count: it failed, or source and destination differ. */
  fault: string | null;
}

export interface Standing {
  name: string;
  rows: number;
  seconds: { median: number; min: number; max: number };
  rowsPerSecond: number;
  peakRssMb: number | null;
  faults: string[];
  samples: Sample[];
}

/** What is expected of a figure. */
export interface Target {
  what: string;
  value: number;
  atLeast?: number;
  atMost?: number;
}

/** What a scenario found. */
export interface Outcome {
  title: string;
  standings: Standing[];
  targets: Target[];
}

/** Medians are those of the measurements that count; NaN where there is none. */
export function standingOf(name: string, samples: Sample[]): Standing {
  const good = samples.filter(({ fault }) => fault === null);
  const seconds = good.map((sample) => sample.seconds).sort((a, b) => a - b);
  const peaks = good.flatMap(({ peakRssMb }) => peakRssMb ?? []);
  return {
    name,
    rows: median(good.map(({ rows }) => rows)),
    seconds: { median: median(seconds), min: seconds[0] ?? Number.NaN, max: seconds.at(-1) ?? Number.NaN },
    rowsPerSecond: median(good.map((sample) => sample.rows / sample.seconds)),
    peakRssMb: peaks.length === 0 ? null : Math.max(...peaks),
    faults: samples.flatMap(({ fault }) => fault ?? []),
    samples,
  };
}

/** How many times as fast, at the same work; NaN where one has not been measured. */
export function speedRatio(standings: readonly Standing[], name: string, than: string): number {
  const secondsOf = (wanted: string) =>
    standings.find((standing) => standing.name === wanted)?.seconds.median ?? Number.NaN;
  return secondsOf(than) / secondsOf(name);
}

export function meets({ value, atLeast = -Infinity, atMost = Infinity }: Target): boolean {
  return value >= atLeast && value <= atMost;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
