import type { FileAccess } from "./file-bytes.ts";
import type { ListedOnce } from "./list-once.ts";
import type { CompiledResource } from "./resource.ts";
import type { FileShape } from "./shape.ts";

/** What discovery, plans and reads of one source share. */
export interface FileEngine extends FileAccess, Pick<ListedOnce, "look"> {
  /** @throws TerminalError config_invalid where its patterns cannot be used; undefined where there is none of that name */
  resource(entityKey: string): CompiledResource | undefined;
  entityKeys: readonly string[];
  /** As discovery has found them, by entityKey: the plan that follows goes by the same. */
  shapes: Map<string, FileShape>;
}
