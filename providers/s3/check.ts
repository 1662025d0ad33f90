import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { failedCheck, passedCheck } from "../../core/connection-tasks.ts";
import { isProviderError, type ProviderError } from "../../core/errors.ts";
import { checkFiles } from "../lib/files/check.ts";
import type { FileResource } from "../lib/files/config.ts";
import type { FileStore } from "../lib/files/store.ts";
import type { SourceCheck } from "../provider.ts";
import type { S3Connection } from "./client.ts";
import { type ConnectionConfig, endpointOf } from "./config.ts";
import { payer } from "./listing.ts";

export interface CheckOptions {
  connection: S3Connection;
  store: FileStore;
  config: ConnectionConfig;
  files: readonly FileResource[];
}

const STEPS = ["credentials", "bucket", "list", "read"] as const;
type Step = (typeof STEPS)[number];

/** In the order in which they build on each other: the first that fails is the last reported. */
export async function checkBucket(options: CheckOptions): Promise<SourceCheck[]> {
  const { store, files, config } = options;
  try {
    await listFirst(options);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    const failed = stepOf(error);
    return [...passedBefore(failed, config), failedCheck(failed, error)];
  }
  return [...passedBefore("read", config), ...(await checkFiles({ store, files, prefix: config.prefix }))];
}

/** One request shows all: whoever answers it, the server has looked at the signature, then for the bucket, then at what is allowed. */
function listFirst({ connection, config }: CheckOptions): Promise<unknown> {
  return connection.call(
    { doing: "the listing", permission: `s3:ListBucket on arn:aws:s3:::${config.bucket}` },
    ({ sdk }) =>
      sdk.send(
        new ListObjectsV2Command({ Bucket: config.bucket, Prefix: config.prefix, MaxKeys: 1, ...payer(config) }),
      ),
  );
}

function stepOf({ reasonCode }: ProviderError): Step {
  if (reasonCode === "source_auth_failed" || reasonCode === "source_auth_expired") return "credentials";
  return reasonCode === "source_permission_denied" ? "list" : "bucket";
}

function passedBefore(step: Step, config: ConnectionConfig): SourceCheck[] {
  const { bucket, region, auth, prefix } = config;
  const said: Record<Exclude<Step, "read">, string> = {
    credentials: auth.type === "anonymous" ? "Requests are not signed." : `The server knows ${auth.accessKeyId}.`,
    bucket: `Bucket ${bucket} is at ${endpointOf(config)} (${region}).`,
    list: prefix === "" ? "Objects can be listed." : `Objects whose key begins with ${prefix} can be listed.`,
  };
  // A server that refuses a login before it says whether there is a bucket shows the first of them.
  return Object.entries(said)
    .slice(0, STEPS.indexOf(step))
    .map(([name, message]) => passedCheck(name, message));
}
