import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { layOutTree } from "./lib/old-tree.ts";
import { createUpgradeStack } from "./lib/upgrade-stack.ts";

/**
 * Is an upgrade from `<git ref>` to this tree possible while it works? `npm run upgrade:check -- <git ref>`.
 * The old version makes its schema and runs a sync; the schema is migrated under it; old and new processes then run the same
 * sync side by side, and in the end the new ones alone. After every step the tables have to be equal.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const [ref] = positionals;
if (ref === undefined) throw new Error("Name the version that is in use: npm run upgrade:check -- <git ref>");

const home = await mkdtemp(join(tmpdir(), "sluice-upgrade-"));
const old = join(home, "old");
await mkdir(old);
console.log(`laying out ${ref}`);
await layOutTree(ref, old);

const stack = await createUpgradeStack(home);
try {
  await stack.migrate(old);
  const oldApi = await stack.startApi(old);
  const oldWorker = await stack.startWorker(old);
  const sync = await oldApi.createSync();
  await stack.runAndCompare("the old version alone", oldApi, sync);

  await stack.migrate(".");
  await stack.runAndCompare("the old version on the new schema", oldApi, sync);

  const newApi = await stack.startApi(".");
  await stack.leaveToOthers("what an old worker would do wrong waits for a new one", newApi, sync);
  const newWorker = await stack.startWorker(".");
  await stack.runAndCompare("an old and a new worker, asked by the old API", oldApi, sync);
  await stack.runAndCompare("an old and a new worker, asked by the new API", newApi, sync);
  await stack.killDuringRun("the old worker dies in a run, the new one goes on", newApi, sync, oldWorker);

  await oldApi.stop();
  await stack.runAndCompare("the new version alone", newApi, sync);
  await stack.runWhatIsNew("the new version alone, asked for what the old one does not know", newApi, sync);
  await newWorker.stop();
  console.log(`An upgrade from ${ref} works while it goes on.`);
} finally {
  await stack.stop();
  await rm(home, { recursive: true, force: true });
}
