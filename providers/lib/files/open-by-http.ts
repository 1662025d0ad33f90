import { Readable } from "node:stream";
import { isProviderError } from "../../../core/errors.ts";
import type { HttpClient } from "../http/client.ts";
import type { StreamRequest } from "../http/request.ts";
import { asFileRefusal, FileChangedError, FileGoneError, type ListedFile } from "./store.ts";

interface OpenRequest extends Pick<StreamRequest, "url" | "presigned" | "headers" | "spends"> {
  /** Strong: of the version that is wanted, with its quotes. */
  etag: string;
  from: number;
}

/**
 * For a store whose files lie at addresses that tell their ETag: the bytes of one version from `from` on, as `FileStore.open` owes them.
 * @throws FileChangedError, FileGoneError, FileRefusedError, ProviderError; the stream too
 */
export async function openByHttp(
  client: Pick<HttpClient, "stream">,
  { path }: Pick<ListedFile, "path">,
  { etag, from, headers = {}, ...request }: OpenRequest,
): Promise<Readable> {
  const toFileError = (error: unknown): unknown => {
    if (!isProviderError(error)) return error;
    if (error.reasonCode === "source_resource_not_found") return new FileGoneError(path, { cause: error });
    return error.reasonCode === "source_snapshot_lost"
      ? new FileChangedError(path, { cause: error })
      : asFileRefusal(error);
  };

  async function* bytesOf(bytes: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
    try {
      yield* bytes;
    } catch (error) {
      throw toFileError(error);
    }
  }

  try {
    const stream = await client.stream({
      ...{ ...request, doing: `file ${path}`, method: "GET" },
      // Offsets count the file's own bytes.
      headers: { ...headers, "accept-encoding": "identity" },
      from: { offset: from, version: `etag ${etag}`, isPacked: false },
    });
    return Readable.from(bytesOf(stream.bytes()), { objectMode: false });
  } catch (error) {
    throw toFileError(error);
  }
}
