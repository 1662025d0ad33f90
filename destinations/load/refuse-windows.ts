import { TerminalError } from "../../core/errors.ts";
import type { LoadTarget } from "../load-target.ts";

/** @throws TerminalError config_invalid */
export function refuseWindows({ entityKey, target: { loadMode } }: { entityKey: string; target: LoadTarget }): never {
  throw new TerminalError(
    "config_invalid",
    `The source tells of ${entityKey} more than its rows, such as which of them it has deleted, and load mode ${loadMode} replaces whole windows.`,
    { fix: "Choose loadMode upsert in the table binding." },
  );
}
