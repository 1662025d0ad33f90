import { isProviderError, TransientError } from "../../core/errors.ts";
import type { HttpResponse, HttpStream } from "../lib/http/client.ts";
import type { StreamPosition } from "../lib/http/stream/position.ts";
import type { Verdict } from "../lib/http/verdict.ts";
import type { Graph } from "./graph.ts";
import { judgeGraph } from "./graph-errors.ts";

/** A link lives for some minutes, and a connection may break: so often in a row, without getting on, before it is a failure. */
const MOST_TRIES = 4;
/** Bytes as they are: they are counted. */
const AS_IT_IS = { "accept-encoding": "identity" };

interface DownloadOptions {
  /** Of the item's content. */
  url: string;
  doing: string;
  /** Null where the source does not tell. */
  sizeBytes: number | null;
  /** @throws where the file has another version by now, or is gone */
  requireSame(): Promise<void>;
}

/**
 * The bytes of one version of a file. Graph answers with a link that needs no token and gets none; it lives for a short time, and another one is
 * asked for when it is refused. Each connection is opened first and held against the file's version then: whoever replaces the file later
 * does not change what the connection gives.
 * https://learn.microsoft.com/graph/api/driveitem-get-content
 * @throws FileChangedError, FileGoneError, ProviderError; the generator too
 */
export async function download(
  graph: Graph,
  options: DownloadOptions,
  from: number,
): Promise<AsyncGenerator<Buffer, void>> {
  const { sizeBytes, requireSame } = options;
  if (from > 0 && from === sizeBytes) {
    await requireSame();
    return nothing();
  }
  const opener = createOpener(graph, options);
  const first = await opener.open(from);

  async function* bytes(): AsyncGenerator<Buffer, void> {
    let next: Opened | null = first;
    let at = from;
    for (let tries = 1; next !== null; ) {
      const opened: Opened = next;
      const begun = at;
      try {
        for await (const chunk of bytesOf(opened)) {
          at += chunk.length;
          yield chunk;
        }
        next = null;
      } catch (error) {
        tries = at > begun ? 1 : tries + 1;
        if (!(error instanceof TransientError) || tries > MOST_TRIES) throw error;
        next = await opener.open(at);
      } finally {
        opened.stream.close();
      }
    }
    if (sizeBytes === null || at === sizeBytes) return;
    await requireSame();
    throw cut(options.doing, `it has ${at} bytes instead of ${sizeBytes}`);
  }

  return bytes();
}

async function* nothing(): AsyncGenerator<Buffer, void> {}

interface Opened {
  stream: HttpStream;
  /** Bytes that come before those that were asked for, from a source that takes no heed of ranges. */
  skip: number;
}

async function* bytesOf({ stream, skip }: Opened): AsyncGenerator<Buffer, void> {
  let toSkip = skip;
  for await (const chunk of stream.bytes()) {
    const skipped = Math.min(toSkip, chunk.length);
    toSkip -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}

function createOpener(graph: Graph, { url, doing, requireSame }: DownloadOptions) {
  /** Of the file, as the host that the links lead to has it; null where it tells none. */
  let version: string | null = null;

  /** Null where Graph, or what stands before it, gives the content itself. */
  async function findLink(): Promise<string | null> {
    const response = await graph.client.send({
      ...{ method: "GET", url, doing, follow: false, spends: graph.spendsOf("item") },
      // Without a redirect it would be the whole file.
      headers: { range: "bytes=0-0" },
      classify: (answer) => judgeContent(answer) ?? judgeLink(answer, judgeGraph),
    });
    response.letGo();
    const location = response.headers.get("location");
    if (location === null && response.status < 300) return null;
    if (location === null || !URL.canParse(location, response.url))
      throw cut(doing, "Graph gave no link to its content");
    return new URL(location, response.url).href;
  }

  async function ask(
    link: string | null,
    from: StreamPosition | null,
    range: Record<string, string> = {},
  ): Promise<HttpStream> {
    const stream = await graph.client.stream({
      ...(link === null
        ? { url, spends: graph.spendsOf("item"), classify: (answer) => judgeLink(answer, judgeGraph) }
        : { url: link, presigned: true, classify: (answer) => judgeLink(answer, judgeOver) }),
      ...{ method: "GET", doing },
      headers: { ...AS_IT_IS, ...range },
      ...(from === null ? {} : { from }),
    });
    version ??= stream.positionAt(0)?.version ?? null;
    return stream;
  }

  async function askFrom(link: string | null, at: number): Promise<Opened> {
    if (at === 0) return { stream: await ask(link, null), skip: 0 };
    // Whoever names the version is refused where the file has another one: it is looked up first.
    if (version === null) (await ask(link, null)).close();
    if (version !== null) return { stream: await ask(link, { offset: at, version, isPacked: false }), skip: 0 };
    const stream = await ask(link, null, { range: `bytes=${at}-` });
    return { stream, skip: stream.status === 206 ? 0 : at };
  }

  return {
    async open(at: number): Promise<Opened> {
      for (let tries = 1; ; tries++) {
        try {
          const opened = await askFrom(await findLink(), at);
          await requireSame().catch((error: unknown) => {
            opened.stream.close();
            throw error;
          });
          return opened;
        } catch (error) {
          // It may be another file by now, or gone, which is no fault of the link's.
          if (isProviderError(error) && MAY_BE_ANOTHER.includes(error.reasonCode)) await requireSame();
          if (!isLinkOver(error) || tries >= MOST_TRIES) throw error;
        }
      }
    },
  };
}

const MAY_BE_ANOTHER: string[] = ["source_resource_not_found", "source_snapshot_lost"];

function cut(doing: string, how: string): TransientError {
  return new TransientError("source_response_invalid", `msft_sharepoint: ${doing} failed: ${how}.`, { ofEntity: true });
}

/** Of Graph's own answer. */
function judgeContent({ status }: Pick<HttpResponse, "status">): Verdict | null {
  return REFUSED_CONTENT.includes(status) ? UNREADABLE : null;
}

const REFUSED_CONTENT = [415, 422, 451];
const UNREADABLE: Verdict = {
  kind: "fail",
  reasonCode: "source_file_unreadable",
  fix: "The source refuses to give this file, as it does with malware. Remove it there.",
};

/** A part is what was asked for. */
function judgeLink(answer: HttpResponse, judge: (answer: HttpResponse) => Verdict | null): Verdict | null {
  return answer.status === 206 ? { kind: "ok" } : judge(answer);
}

/** A link that is refused is over. It says nothing of the app's token, which it did not get. */
function judgeOver({ status }: Pick<HttpResponse, "status">): Verdict | null {
  return LINK_IS_OVER.includes(status) ? { kind: "fail", reasonCode: "source_snapshot_lost" } : null;
}

const LINK_IS_OVER = [401, 403, 404, 410];

function isLinkOver(error: unknown): boolean {
  return isProviderError(error) && error.reasonCode === "source_snapshot_lost";
}
