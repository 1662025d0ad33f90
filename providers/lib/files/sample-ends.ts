import type { FileAccess } from "./file-bytes.ts";
import { FileFault } from "./formats/portion.ts";
import type { CompiledResource } from "./resource.ts";
import { type Sample, sampleFile } from "./sample.ts";
import { FileRefusedError, type ListedFile } from "./store.ts";

interface Ends {
  /** Files of a resource, the oldest first. */
  oldest: readonly ListedFile[];
  /** The newest first. */
  newest: readonly ListedFile[];
}

export interface Sampled {
  samples: Sample[];
  /** Files that can be had, and of which no record can be read. */
  faults: { path: string; fault: FileFault }[];
  /** Files that the store does not give. */
  refusals: { path: string; refusal: FileRefusedError }[];
}

const [MOST_NEWEST, MOST_OLDEST] = [4, 2];
/** So many of each end are to be had, to take the place of files that the store does not give, until one is found that it gives. */
export const MOST_INSTEAD = 100;
/** Once one was found. */
const MOST_REFUSALS = 10;

/**
 * Some of the oldest and of the newest files. One that the store does not give is no sample: the next one takes its place.
 * @throws ProviderError
 */
export async function sampleEnds(
  access: FileAccess,
  resource: CompiledResource,
  { oldest, newest }: Ends,
): Promise<Sampled> {
  const sampled: Sampled = { samples: [], faults: [], refusals: [] };
  const { samples, faults, refusals } = sampled;
  const seen = new Set<string>();

  /** Is it done with, whatever came of it? */
  async function isLookedAt(file: ListedFile): Promise<boolean> {
    try {
      const sample = await sampleFile(access, resource, file);
      if (sample !== null) samples.push(sample);
      return true;
    } catch (error) {
      if (error instanceof FileRefusedError) refusals.push({ path: file.path, refusal: error });
      else if (error instanceof FileFault) faults.push({ path: file.path, fault: error });
      else throw error;
      return error instanceof FileFault;
    }
  }

  for (const { files, most } of [
    { files: oldest, most: MOST_OLDEST },
    { files: newest, most: MOST_NEWEST },
  ]) {
    for (let left = most, index = 0; left > 0 && index < files.length; index += 1) {
      const file = files[index];
      if (file === undefined || seen.has(file.fileId)) continue;
      if (refusals.length >= MOST_REFUSALS && samples.length + faults.length > 0) break;
      seen.add(file.fileId);
      if (await isLookedAt(file)) left -= 1;
    }
  }
  return sampled;
}
