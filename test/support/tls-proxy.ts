import { once } from "node:events";
import { type ClientHttp2Session, connect, createSecureServer, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";

/** What stands before Temporal Cloud: it ends TLS, may ask for a client certificate, and passes gRPC on. */
export interface TlsProxy {
  port: number;
  /** Of every request, as it came in: `authorization`. */
  authorizations(): (string | undefined)[];
  close(): Promise<void>;
}

export async function createTlsProxy(options: {
  targetAddress: string;
  certificate: string;
  key: string;
  /** Only callers with a certificate of this authority get in. */
  clientAuthority?: string;
}): Promise<TlsProxy> {
  const { clientAuthority } = options;
  const target = connect(`http://${options.targetAddress}`);
  const seen: (string | undefined)[] = [];
  const open = new Set<{ destroy(): void }>();
  const server = createSecureServer({
    cert: options.certificate,
    key: options.key,
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: true }),
  });
  server.on("session", (session) => {
    open.add(session);
    session.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  server.on("stream", (caller, headers) => {
    seen.push(headers.authorization);
    pass(caller, target, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    authorizations: () => [...seen],
    async close() {
      for (const session of open) session.destroy();
      target.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Stream = Parameters<Parameters<ReturnType<typeof createSecureServer>["on"]>[1]>[0];

function pass(caller: Stream, target: ClientHttp2Session, headers: IncomingHttpHeaders): void {
  const { ":scheme": _, ":authority": __, ...rest } = headers;
  const answer = target.request(rest);
  // Either side may hang up; the other then sees its stream end.
  for (const stream of [caller, answer]) stream.on("error", () => undefined);
  let trailers: IncomingHttpHeaders = {};
  answer.on("response", ({ ":status": status, ...response }) => {
    caller.respond({ ":status": status, ...response }, { waitForTrailers: true });
    answer.pipe(caller);
  });
  answer.on("trailers", (last) => {
    trailers = last;
  });
  caller.on("wantTrailers", () => caller.sendTrailers(trailers));
  caller.on("close", () => answer.close());
  caller.pipe(answer);
}
