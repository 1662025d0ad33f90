import type { Batch } from "../../batch.ts";
import type { ReadRequest } from "../../provider.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";

/** Collects what answers tell beside their data, so that the run that reads them can say it. Each text is said once by one source. */
export function createNotices(client: HttpClient, noticeOf: (headers: HttpResponse["headers"]) => string | null) {
  const known = new Set<string>();
  const waiting: string[] = [];

  async function flush({ warn }: ReadRequest): Promise<void> {
    for (const message of waiting.splice(0)) await warn?.(message);
  }

  return {
    client: {
      ...client,
      async send(request): Promise<HttpResponse> {
        const response = await client.send(request);
        const message = noticeOf(response.headers);
        if (message !== null && !known.has(message)) {
          known.add(message);
          waiting.push(message);
        }
        return response;
      },
    } satisfies HttpClient,
    /** The batches, with what answers have told meanwhile said before each. */
    async *saying(request: ReadRequest, batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void> {
      for await (const batch of batches) {
        await flush(request);
        yield batch;
      }
      await flush(request);
    },
  };
}
