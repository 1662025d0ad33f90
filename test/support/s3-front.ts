import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { S3_KEY } from "../../scripts/lib/s3-server.ts";

export interface SeenS3Request {
  method: string;
  /** Path and query, as they came over the wire. */
  url: string;
  headers: IncomingMessage["headers"];
}

export interface S3Answer {
  status: number;
  headers?: Record<string, string>;
  /** An error's code, or a body as it is. */
  code?: string;
  /** More elements of the error's XML. */
  more?: string;
  message?: string;
  body?: string;
}

type Match = (request: SeenS3Request) => boolean;

/** Stands before a server that speaks S3, looks at signatures, which that server does not, and does what servers do on bad days. */
export interface S3Front {
  endpoint: string;
  requests: SeenS3Request[];
  /** The next requests that match get `answer`, `times` times; absent: always. @returns takes it back */
  answer(match: Match, answer: S3Answer, times?: number): () => void;
  /** The answer to each of the next `times` requests that match is cut off after so many bytes of its body. */
  cut(match: Match, afterBytes: number, times?: number): void;
  /** What a body becomes on its way back, and its headers. */
  tamper(match: Match, change: (body: Buffer, headers: Record<string, string>) => Buffer): () => void;
  /** The body of an answer to such a request stands still in its middle. @returns lets it go on */
  stall(match: Match): () => void;
  /** Nothing of all this any more. What stands still goes on by its own. */
  heal(): void;
  /** Secrets by access key; those that are not here are refused. */
  keys: Map<string, string>;
  close(): Promise<void>;
}

export async function createS3Front(targetEndpoint: string): Promise<S3Front> {
  const target = new URL(targetEndpoint);
  const requests: SeenS3Request[] = [];
  const keys = new Map([[S3_KEY.accessKeyId, S3_KEY.secretAccessKey]]);
  const answers: { match: Match; answer: S3Answer; left: number }[] = [];
  const cuts: { match: Match; afterBytes: number; left: number }[] = [];
  const tampers: { match: Match; change: (body: Buffer, headers: Record<string, string>) => Buffer }[] = [];
  const stalls: { match: Match; over: Promise<void> }[] = [];

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = incoming;
    const body = await buffer(incoming);
    const seen = { method, url, headers };
    requests.push(seen);
    const planned = answers.find(({ match, left }) => left > 0 && match(seen));
    if (planned !== undefined) {
      planned.left -= 1;
      return reply(outgoing, planned.answer);
    }
    const fault = findSignatureFault(seen, keys);
    if (fault !== null) return reply(outgoing, { status: 403, ...fault });
    const upstream = send({ host: target.hostname, port: target.port, method, path: url, headers });
    upstream.end(body);
    const [response] = (await once(upstream, "response")) as [IncomingMessage];
    const sentHeaders = Object.fromEntries(
      Object.entries(response.headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
    );
    let sent: Buffer = await buffer(response);
    for (const { match, change } of tampers) if (match(seen)) sent = change(sent, sentHeaders);
    const cut = cuts.find(({ match, left }) => left > 0 && match(seen));
    const stall = stalls.find(({ match }) => match(seen));
    outgoing.writeHead(response.statusCode ?? 500, sentHeaders);
    if (cut !== undefined) {
      cut.left -= 1;
      await new Promise((resolve) => outgoing.write(sent.subarray(0, cut.afterBytes), resolve));
      outgoing.socket?.resetAndDestroy();
      return;
    }
    if (stall !== undefined) {
      outgoing.write(sent.subarray(0, sent.length / 2));
      await stall.over;
      outgoing.end(sent.subarray(sent.length / 2));
      return;
    }
    outgoing.end(method === "HEAD" ? undefined : sent);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, keys },
    answer(match, answer, times = Number.POSITIVE_INFINITY) {
      const planned = { match, answer, left: times };
      answers.push(planned);
      return () => {
        planned.left = 0;
      };
    },
    cut(match, afterBytes, times = 1) {
      cuts.push({ match, afterBytes, left: times });
    },
    tamper(match, change) {
      const planned = { match, change };
      tampers.push(planned);
      return () => void tampers.splice(tampers.indexOf(planned), 1);
    },
    stall(match) {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const planned = { match, over };
      stalls.push(planned);
      return () => {
        stalls.splice(stalls.indexOf(planned), 1);
        resolve();
      };
    },
    heal() {
      for (const planned of [answers, cuts, tampers, stalls]) planned.length = 0;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function reply(outgoing: ServerResponse, { status, headers, code, more = "", message = "no", body }: S3Answer): void {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
  outgoing.writeHead(status, { "content-type": "application/xml", ...headers });
  outgoing.end(body ?? (code === undefined ? "" : xml));
}

/**
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @returns null where the signature is that of what came, or where nothing was signed
 */
function findSignatureFault({ method, url, headers }: SeenS3Request, keys: ReadonlyMap<string, string>) {
  const { authorization } = headers;
  if (authorization === undefined) return null;
  const parts = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    authorization,
  );
  const [, key = "", scope = "", signedNames = "", signature] = parts ?? [];
  const secret = keys.get(key);
  if (secret === undefined) return { code: "InvalidAccessKeyId" };
  const [path = "", query = ""] = url.split("?");
  const canonical = [
    method,
    path,
    query
      .split("&")
      .filter((each) => each !== "")
      .map((each) => (each.includes("=") ? each : `${each}=`))
      .toSorted()
      .join("&"),
    ...signedNames.split(";").map((name) => `${name}:${String(headers[name]).trim()}`),
    "",
    signedNames,
    String(headers["x-amz-content-sha256"]),
  ].join("\n");
  const digest = createHash("sha256").update(canonical).digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, digest].join("\n");
  const signingKey = scope
    .split("/")
    .reduce<string | Buffer>((k, part) => createHmac("sha256", k).update(part).digest(), `AWS4${secret}`);
  const right = createHmac("sha256", signingKey).update(toSign).digest("hex");
  return right === signature ? null : { code: "SignatureDoesNotMatch" };
}
