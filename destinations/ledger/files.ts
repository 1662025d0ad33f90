import type { FileMark, FilesRequest, KnownFile } from "../destination.ts";
import type { LoadTarget } from "../load-target.ts";
import type { Session } from "../session.ts";

/** A slice's request, as far as its files go. */
export interface FilesOfSlice {
  filesOf?: FilesOwner | undefined;
  target: Pick<LoadTarget, "files">;
  entityKey: string;
  planId: string;
}

interface FilesOwner {
  deploymentId: string;
  syncId: string;
}

/** Where the slices of a plan mark files. A source that marks files but is not made of them has one manifest for ever. */
export function markedGeneration({ files }: Pick<LoadTarget, "files">): string {
  return files?.waiting ?? files?.generation ?? "";
}

/**
 * In the transaction of the rows: a file is loaded with its rows or not at all.
 * @param request of the slice whose batch has the marks
 * @param of.filesWithoutStaleRows ids of files of which the table has no row of another version any more
 */
export async function recordFiles(
  { client }: Session,
  { filesOf, entityKey, planId, target }: FilesOfSlice,
  {
    files = [],
    filesWithoutStaleRows = [],
  }: { files?: readonly FileMark[] | undefined; filesWithoutStaleRows?: readonly string[] },
): Promise<void> {
  if (files.length === 0) return;
  if (filesOf === undefined) throw new Error(`Nothing says whose files of ${entityKey} are marked.`);
  const { deploymentId, syncId } = filesOf;
  // In the order of their ids, as every slice locks them. Of a file that is named twice the last mark counts.
  const marks = [...new Map(files.map((file) => [file.fileId, file])).values()];
  await client.query(
    `insert into _sluice.files as known
       (deployment_id, sync_id, entity_key, generation, file_id, version_token, status, rows, size_bytes, position, error, plan_id)
     select $1, $2, $3, $4, "fileId", "versionToken", status, rows, "sizeBytes", position, error, $5
     from jsonb_to_recordset($6::jsonb)
       as mark ("fileId" text, "versionToken" text, status text, rows bigint, "sizeBytes" bigint, position json, error text)
     order by "fileId" collate "C"
     on conflict (deployment_id, sync_id, entity_key, generation, file_id) do update set
       version_token = excluded.version_token, status = excluded.status, rows = excluded.rows,
       size_bytes = excluded.size_bytes, position = excluded.position, error = excluded.error,
       has_older = (known.has_older or known.version_token <> excluded.version_token) and excluded.file_id <> all ($7),
       plan_id = excluded.plan_id, updated_at = now()`,
    [deploymentId, syncId, entityKey, markedGeneration(target), planId, JSON.stringify(marks), filesWithoutStaleRows],
  );
}

/**
 * Of files, those of which the plan may have loaded rows of another version than the given one, by its own marks. For a table that nobody but the
 * plan loads into: a lookup there may have no index to go by.
 * @param versions by file id
 */
export async function findReplaced(
  { client }: Session,
  { filesOf, entityKey, target }: FilesOfSlice,
  versions: ReadonlyMap<string, string | null>,
): Promise<Set<string>> {
  if (filesOf === undefined) throw new Error(`Nothing says whose files of ${entityKey} are marked.`);
  const { rows } = await client.query<{ fileId: string }>(
    `select known.file_id as "fileId"
     from _sluice.files known join unnest($5::text[], $6::text[]) as given (file_id, version_token) using (file_id)
     where deployment_id = $1 and sync_id = $2 and entity_key = $3 and generation = $4
       and (has_older or known.version_token is distinct from given.version_token)`,
    [
      ...[filesOf.deploymentId, filesOf.syncId, entityKey, markedGeneration(target)],
      ...[[...versions.keys()], [...versions.values()]],
    ],
  );
  return new Set(rows.map(({ fileId }) => fileId));
}

/** In the byte order of file ids. */
export async function readFiles({ client }: Session, request: FilesRequest): Promise<KnownFile[]> {
  const { deploymentId, syncId, entityKey, generation = "", fileIds = null, after = null, limit } = request;
  const { rows } = await client.query<
    Omit<KnownFile, "rows" | "sizeBytes" | "position" | "error"> & {
      rows: string;
      sizeBytes: string | null;
      position: Record<string, unknown> | null;
      error: string | null;
    }
  >(
    `select file_id as "fileId", version_token as "versionToken", status, rows, size_bytes as "sizeBytes", position, error,
            plan_id as "planId", updated_at as "updatedAt"
     from _sluice.files
     where deployment_id = $1 and sync_id = $2 and entity_key = $3 and generation = $4
       and ($5::text[] is null or file_id = any($5)) and ($6::text is null or file_id > $6)
     order by file_id limit $7`,
    [deploymentId, syncId, entityKey, generation, fileIds, after, limit],
  );
  return rows.map(({ rows: count, sizeBytes, position, error, ...file }) => ({
    ...file,
    rows: Number(count),
    sizeBytes: sizeBytes === null ? null : Number(sizeBytes),
    ...(position === null ? {} : { position }),
    ...(error === null ? {} : { error }),
  }));
}
