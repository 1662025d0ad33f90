import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { bundleWorkflowCode } from "@temporalio/worker";
import { PAYLOAD_CONVERTER_PATH, WORKFLOWS_PATH } from "./control/temporal.ts";

/**
 * `node bundle-workflows.ts <file>`: what a worker runs its workflows from, for `SLUICE_WORKFLOW_BUNDLE`. A process of its own, because the
 * bundler leaves 150 MB behind in the one that it runs in.
 */
const [file] = parseArgs({ allowPositionals: true }).positionals;
if (file === undefined) throw new Error("Name the file to write: node bundle-workflows.ts <file>");

const { code } = await bundleWorkflowCode({
  workflowsPath: WORKFLOWS_PATH,
  payloadConverterPath: PAYLOAD_CONVERTER_PATH,
});
await writeFile(file, code);
