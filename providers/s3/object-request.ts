import { isIP } from "node:net";
import type { Readable } from "node:stream";
import type { EgressGuard } from "../lib/http/egress.ts";
import type { Transport } from "../lib/http/transport.ts";
import { type ConnectionConfig, endpointOf } from "./config.ts";
import type { S3Credentials } from "./credentials.ts";
import { percentEncode } from "./request-handler.ts";
import { createSdkError, readErrorXml } from "./sdk-error.ts";
import { createSigner } from "./signer.ts";

/** What an object's answer says, and its body. */
export interface ObjectAnswer {
  status: number;
  headers: Headers;
  live: Readable;
}

export interface ObjectRequest {
  key: string;
  versionId?: string | undefined;
  /** In lower case. */
  headers: Record<string, string>;
}

/** GetObject. @throws SdkError for an answer that is no success; what the socket throws */
export type GetObject = (request: ObjectRequest) => Promise<ObjectAnswer>;

export interface ObjectRequestOptions {
  config: Pick<ConnectionConfig, "bucket" | "endpoint" | "region" | "forcePathStyle">;
  guard: EgressGuard;
  transport: Transport;
  /** Null: requests are not signed. */
  credentials: Pick<S3Credentials, "current"> | null;
}

export function createGetObject({ config, guard, transport, credentials }: ObjectRequestOptions): GetObject {
  const signer = createSigner(config.region);
  const { url, prefix } = placeOf(config);
  /** How far the server's clock is ahead of ours; 0 until it says that the two are too far apart. */
  let aheadMs = 0;

  return async ({ key, versionId, headers }) => {
    const path = `${prefix}/${key.split("/").map(percentEncode).join("/")}`;
    const query = versionId === undefined ? "" : `versionId=${percentEncode(versionId)}`;
    const request = { method: "GET", host: url.host, path, query, headers } as const;
    const signed =
      credentials === null
        ? headers
        : signer.sign(request, await credentials.current(), new Date(Date.now() + aheadMs));
    guard.check(url);
    const {
      status,
      headers: said,
      body,
      live,
    } = await transport.exchange({
      ...{ method: "GET", url, path: query === "" ? path : `${path}?${query}`, streamed: true, body: null },
      headers: { ...signed, "accept-encoding": "identity" },
    });
    if (live !== undefined) return { status, headers: said, live };
    const text = body.bytes.toString();
    body.letGo?.();
    const error = createSdkError({ status, headers: said, ...readErrorXml(text) });
    const sentAt = Date.parse(said.get("date") ?? "");
    if (error.name === "RequestTimeTooSkewed" && !Number.isNaN(sentAt)) aheadMs = sentAt - Date.now();
    throw error;
  };
}

/** Names that a host name can begin with. One with dots would be no name of the server's certificate. */
const HOST_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** As the SDK does it. */
function placeOf(config: ObjectRequestOptions["config"]): { url: URL; prefix: string } {
  const url = new URL(endpointOf(config));
  const path = url.pathname.replace(/\/$/, "");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isInPath = config.forcePathStyle || isIP(host) !== 0 || !HOST_LABEL.test(config.bucket);
  if (isInPath) return { url: new URL(url.origin), prefix: `${path}/${config.bucket}` };
  return { url: new URL(`${url.protocol}//${config.bucket}.${url.host}`), prefix: path };
}
