import { createFence, type Fence } from "./fence.ts";

let fence: Fence | null = null;

/** One for the whole process, since it is the process whose memory and cores it shares out. Made when it is first needed. */
export function sharedFence(): Fence {
  fence ??= createFence();
  return fence;
}
