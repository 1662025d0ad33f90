import type { Bench } from "./bench.ts";
import { type Sample, type Standing, standingOf } from "./samples.ts";

export interface Contender {
  name: string;
  run(): Promise<Sample>;
}

/**
 * All contenders in turn, then again, so that what the machine does meanwhile meets all of them alike.
 * @param beforeRound gets the number of the round, from 1
 */
export async function race(
  bench: Bench,
  contenders: readonly Contender[],
  beforeRound: (round: number) => Promise<void> = async () => undefined,
): Promise<Standing[]> {
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= bench.runs; round++) {
    await beforeRound(round);
    for (const { name, run } of contenders) {
      bench.signal.throwIfAborted();
      // What earlier contenders left to be written to disk is not this one's to pay for.
      await bench.warehouse.query("checkpoint");
      const sample = await run();
      samples.get(name)?.push(sample);
      bench.say(`  ${round}/${bench.runs} ${name}: ${sample.fault ?? `${sample.seconds.toFixed(2)} s`}`);
    }
  }
  return [...samples].map(([name, measured]) => standingOf(name, measured));
}
