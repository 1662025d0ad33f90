import type { FileManifest, FileMark } from "../core/batch-parts.ts";
import type { CursorState } from "../db/cursor-states.ts";
import type { Destination, FileGenerationQuestion, FilesRequest } from "../destinations/destination.ts";
import type { EntitySchema } from "../providers/provider.ts";

/** `createdBy` of a state whose generation of files does not describe the table. It is never stored. */
export const UNKNOWN_FILES = "system:unknown_files";

/** Marks that are held at once. */
const PAGE_FILES = 2_000;

/** The state as it is; without its cursor where the entity is made of files and the marks of that generation do not describe the table. */
export async function stateOfFiles(
  destination: Pick<Destination, "hasFileGeneration">,
  { files }: Pick<EntitySchema, "files">,
  state: CursorState | null,
  table: Omit<FileGenerationQuestion, "generation">,
): Promise<CursorState | null> {
  if (files !== true || state === null || state.cursor === null) return state;
  const isKnown = await destination.hasFileGeneration({ ...table, generation: state.cursor });
  return isKnown ? state : { ...state, cursor: null, createdBy: UNKNOWN_FILES };
}

/** Read as it is asked for. A generation that has just begun has no marks. */
export function openManifest(
  destination: Pick<Destination, "readFiles">,
  of: Pick<FilesRequest, "deploymentId" | "syncId" | "entityKey">,
  generation: string,
): FileManifest {
  async function* pages(): AsyncGenerator<FileMark[], void, undefined> {
    let after: string | undefined;
    for (;;) {
      const page = await destination.readFiles({
        ...{ ...of, generation, limit: PAGE_FILES },
        ...(after === undefined ? {} : { after }),
      });
      if (page.length > 0) yield page.map(({ planId: _, updatedAt: __, ...mark }) => mark);
      if (page.length < PAGE_FILES) return;
      after = page.at(-1)?.fileId;
    }
  }
  return { generation, pages };
}
