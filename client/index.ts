/** What others import as `sluice/client`. It knows the API's document and nothing else of Sluice. */

export { createSluiceClient, type SluiceClient, type SluiceClientOptions } from "./create-client.ts";
export { type Answer, activeRunIdOf, isSluiceError, SluiceError, unwrap } from "./errors.ts";
export { pages } from "./pages.ts";
export type * from "./schema.ts";
export { type WaitOptions, waitForRun } from "./wait-for-run.ts";
