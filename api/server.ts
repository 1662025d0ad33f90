import { setFlagsFromString } from "node:v8";

/**
 * Composition root of the API process.
 *
 * Node lets a heap grow to many times what is in use as long as the machine has memory. This process shall stay small instead
 * (`docs/guide/operations.md` says how small), for a few percent of its time: garbage is collected when it is a third of the heap, and the
 * space for what is young does not grow. Settings count for what comes after them, so everything else is imported below.
 */
setFlagsFromString("--heap-growing-percent=30");
setFlagsFromString("--semi-space-growth-factor=1");

const { serve } = await import("./serve.ts");
await serve();
