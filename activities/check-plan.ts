import type { FileManifest } from "../core/batch-parts.ts";
import { TerminalError } from "../core/errors.ts";
import type { LoadTarget } from "../destinations/load-target.ts";
import type { EntityPlan } from "../providers/provider.ts";

/**
 * What a provider has planned, held against how it is loaded, before anything is read.
 * @throws TerminalError config_invalid: the load mode cannot load it
 * @throws Error: a defect of the provider
 */
export function checkPlan(
  entityKey: string,
  { kind }: Pick<LoadTarget, "kind">,
  { slices, evidence, upperBound }: Pick<EntityPlan, "slices" | "evidence" | "upperBound">,
  manifest?: Pick<FileManifest, "generation">,
): void {
  if (manifest !== undefined && upperBound !== manifest.generation) {
    throw new Error(
      `The plan of ${entityKey} leads to ${upperBound ?? "no state"}. Of files it is the generation of their manifest, ${manifest.generation}.`,
    );
  }
  if (evidence.cursorFollows === "feed" && slices.length > 1) {
    throw new Error(`The change feed of ${entityKey} is planned in ${slices.length} slices. A feed is read in one.`);
  }
  if (kind === "replace_windows" && slices.some(({ window }) => window.by === "part")) {
    throw new TerminalError(
      "config_invalid",
      `${entityKey} is read in parts, and load mode delete_insert replaces windows of time.`,
      { fix: "Choose loadMode upsert or replace in its table binding." },
    );
  }
}
