import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { failedCheck, passedCheck } from "../../core/connection-tasks.ts";
import { isProviderError, type ProviderError } from "../../core/errors.ts";
import type { FileResource } from "../lib/files/config.ts";
import { compileResource } from "../lib/files/resource.ts";
import { FileChangedError, FileGoneError, type FileStore, type ListedFile } from "../lib/files/store.ts";
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
  const { config } = options;
  const found = await attempt(() => listFirst(options));
  if ("error" in found) {
    const failed = stepOf(found.error);
    return [...passedBefore(failed, config), failedCheck(failed, found.error)];
  }
  const read = await attempt(() => readFirst(options));
  const checks = [
    ...passedBefore("read", config),
    "error" in read ? failedCheck("read", read.error) : passedCheck("read", read.value),
  ];
  if ("error" in read) return checks;
  for (const table of options.files) checks.push(await checkFiles(options, table));
  return checks;
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { error: ProviderError }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!isProviderError(error)) throw error;
    return { error };
  }
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

/** The first object that can be read, among those of one page. */
async function readFirst(options: CheckOptions): Promise<string> {
  const { store, config } = options;
  for await (const files of store.list({ prefix: config.prefix })) {
    for (const file of files.filter(({ unreadable, sizeBytes }) => unreadable === undefined && sizeBytes !== 0)) {
      if (await isRead(store, file)) return `Object ${file.path} can be read.`;
    }
    break;
  }
  return "No object has been read: none is there that has content.";
}

/** False: it has changed or gone meanwhile, which says nothing. */
async function isRead(store: FileStore, file: ListedFile): Promise<boolean> {
  try {
    const bytes = await store.open(file, { from: 0 });
    bytes.destroy();
    return true;
  } catch (error) {
    if (error instanceof FileChangedError || error instanceof FileGoneError) return false;
    throw error;
  }
}

/** Listings of no end: a check is no place to wait for them. */
const MOST_PAGES = 20;

/** A table without files is no fault of the connection, and more often than not a glob that is not quite right. */
async function checkFiles({ store }: CheckOptions, config: FileResource): Promise<SourceCheck> {
  const found = await attempt(async () => {
    const resource = compileResource(config, 0);
    let pages = 0;
    for await (const files of store.list({ prefix: resource.prefix })) {
      const first = files.find(resource.has);
      if (first !== undefined) return `${first.path} is one of its files.`;
      pages += 1;
      if (pages === MOST_PAGES) return `None of the first objects under ${resource.prefix} is one of its files.`;
    }
    return null;
  });
  const name = `resource ${config.name}`;
  const entityKey = config.name;
  if ("error" in found) return { ...failedCheck(name, found.error), entityKey };
  if (found.value !== null) return { ...passedCheck(name, found.value), entityKey };
  const message = `No object matches ${config.pathGlob}.`;
  return { name, entityKey, ok: false, message, fix: "Correct pathGlob: it names the whole key, without the bucket." };
}
