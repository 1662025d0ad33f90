import { Readable } from "node:stream";
import type { Answered } from "../attempts.ts";
import type { Failure } from "../failures.ts";
import type { HttpRequest, StreamRequest } from "../request.ts";
import type { HttpResponse } from "../response.ts";
import type { Verdict } from "../verdict.ts";
import { preconditionOf, rangeOf, sizeBehind, versionOf } from "./position.ts";

/** The body of one answer on the wire. */
export interface OpenBody {
  live: Readable;
  response: HttpResponse;
  /** Place in the whole body at which `live` begins. */
  from: number;
  version: string | null;
  /** As the header has it; of all answers for one stream the same. */
  encoding: string;
  /** It announces its own end: a length, or chunks. */
  hasEnd: boolean;
  /** Bytes of the whole body on the wire; null where the answer does not say. A source may give less at once. */
  size: number | null;
}

/** Where to begin, and in which version of the file. */
export interface Start {
  at: number;
  version: string;
  /** In the same encoding as before; null: in none; undefined: in whichever, since it is read from its start. */
  encoding: string | null | undefined;
}

export interface Opener {
  send(request: HttpRequest): Promise<Answered>;
  toError(failure: Failure): Error;
  /** For messages: `GET https://files.example.com/1`. */
  what: string;
}

/**
 * Asks for a body, whole or from `start` on.
 * @throws TransientError source_snapshot_lost where the file has another version by now
 */
export async function openBody(opener: Opener, request: StreamRequest, start: Start | null): Promise<OpenBody> {
  const { response, live } = await opener.send(start === null ? request : askingFrom(request, start));
  const changed = (how: string): Error => {
    response.letGo();
    return opener.toError({
      reasonCode: "source_snapshot_lost",
      said: `${opener.what}: the file was changed while it was being read (${how})`,
      ofEntity: true,
    });
  };
  const { headers } = response;
  if (live === null) {
    if (start === null)
      throw opener.toError({ reasonCode: "source_response_invalid", said: `${opener.what}: no body` });
    const isAtEnd = response.status === 416 && sizeBehind(headers) === start.at;
    if (!isAtEnd) throw changed(`the source answered ${response.status}`);
    response.letGo();
    const { at, version, encoding } = start;
    return { live: Readable.from([]), response, from: at, version, encoding: encoding ?? "", hasEnd: true, size: at };
  }
  const encoding = headers.get("content-encoding") ?? "";
  const body = {
    ...{ live, response, encoding, from: 0, version: versionOf(headers) },
    hasEnd: headers.has("content-length") || /\bchunked\b/i.test(headers.get("transfer-encoding") ?? ""),
    size: null,
  };
  if (start === null) return body;
  if (body.version !== null && body.version !== start.version) throw changed("its ETag or date is another one");
  if (response.status !== 206) {
    // The whole file: only its version tells that it is the same one.
    if (body.version === null) throw changed("nothing tells its version");
    if (typeof start.encoding === "string" && encoding !== start.encoding)
      throw changed("it is encoded in another way");
    return body;
  }
  const range = rangeOf(headers);
  if (range?.from !== start.at) throw changed("the source gave another part of it than was asked for");
  if (encoding !== (start.encoding ?? "")) throw changed("it is encoded in another way");
  const { size } = range;
  return { ...body, from: start.at, version: start.version, hasEnd: body.hasEnd || size !== null, size };
}

function askingFrom(request: StreamRequest, { at, version, encoding }: Start): HttpRequest {
  const asked = at === 0 ? {} : { range: `bytes=${at}-` };
  const accepted = encoding === null ? { "accept-encoding": "identity" } : {};
  const isAnswer = new Set([206, 412, 416]);
  return {
    ...request,
    headers: { ...request.headers, ...asked, ...accepted, ...preconditionOf(version) },
    classify: async (response: HttpResponse): Promise<Verdict | null> =>
      isAnswer.has(response.status) ? { kind: "ok" } : ((await request.classify?.(response)) ?? null),
  };
}
