import type { ClaimRequest, FileMark, FilesRequest, KnownFile } from "../destination.ts";
import type { Session } from "../session.ts";

/**
 * In the transaction of the rows: a file is loaded with its rows or not at all.
 * @param request of the slice whose batch has the marks
 */
export async function recordFiles(
  { client }: Session,
  { filesOf, entityKey, planId }: Pick<ClaimRequest, "filesOf" | "entityKey" | "planId">,
  files: readonly FileMark[],
): Promise<void> {
  if (files.length === 0) return;
  if (filesOf === undefined) throw new Error(`Nothing says whose files of ${entityKey} are marked.`);
  const { deploymentId, syncId } = filesOf;
  // In the order of their ids, as every slice locks them. Of a file that is named twice the last mark counts.
  const marks = [...new Map(files.map((file) => [file.fileId, file])).values()];
  await client.query(
    `insert into _sluice.files
       (deployment_id, sync_id, entity_key, file_id, version_token, status, rows, size_bytes, position, error, plan_id)
     select $1, $2, $3, "fileId", "versionToken", status, rows, "sizeBytes", position, error, $4
     from jsonb_to_recordset($5::jsonb)
       as mark ("fileId" text, "versionToken" text, status text, rows bigint, "sizeBytes" bigint, position json, error text)
     order by "fileId"
     on conflict (deployment_id, sync_id, entity_key, file_id) do update set
       version_token = excluded.version_token, status = excluded.status, rows = excluded.rows,
       size_bytes = excluded.size_bytes, position = excluded.position, error = excluded.error,
       plan_id = excluded.plan_id, updated_at = now()`,
    [deploymentId, syncId, entityKey, planId, JSON.stringify(marks)],
  );
}

export async function readFiles({ client }: Session, request: FilesRequest): Promise<KnownFile[]> {
  const { deploymentId, syncId, entityKey, fileIds = null, after = null, limit } = request;
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
     where deployment_id = $1 and sync_id = $2 and entity_key = $3
       and ($4::text[] is null or file_id = any($4)) and ($5::text is null or file_id > $5)
     order by file_id limit $6`,
    [deploymentId, syncId, entityKey, fileIds, after, limit],
  );
  return rows.map(({ rows: count, sizeBytes, position, error, ...file }) => ({
    ...file,
    rows: Number(count),
    sizeBytes: sizeBytes === null ? null : Number(sizeBytes),
    ...(position === null ? {} : { position }),
    ...(error === null ? {} : { error }),
  }));
}
