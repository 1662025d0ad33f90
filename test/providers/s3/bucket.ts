import { randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { CreateBucketCommand, PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import { createRedactor } from "../../../core/redact.ts";
import type { FileStore, ListedFile } from "../../../providers/lib/files/store.ts";
import { createS3Connection, type S3Connection } from "../../../providers/s3/client.ts";
import { type ConnectionConfig, connectionSchema } from "../../../providers/s3/config.ts";
import { createS3Store } from "../../../providers/s3/store.ts";
import { S3_KEY, type S3Server } from "../../../scripts/lib/s3-server.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";

export const S3_SECRETS = { secretAccessKey: S3_KEY.secretAccessKey };

/** A bucket of a test's own, and the connector's store over it. */
export interface Bucket {
  name: string;
  client: S3Client;
  config: ConnectionConfig;
  store: FileStore;
  connection: S3Connection;
  put(key: string, body: string | Buffer, more?: Partial<PutObjectCommandInput>): Promise<void>;
  list(prefix?: string, after?: string): Promise<ListedFile[]>;
  /** As it is listed now. */
  find(key: string): Promise<ListedFile>;
  read(file: ListedFile, from?: number): Promise<Buffer>;
}

export function connectionConfig(endpoint: string, bucket: string, changes: Record<string, unknown> = {}) {
  return {
    ...{ bucket, endpoint, forcePathStyle: true },
    auth: { type: "keys", accessKeyId: S3_KEY.accessKeyId },
    ...changes,
  };
}

export async function createBucket(
  server: Pick<S3Server, "endpoint" | "client">,
  changes: Record<string, unknown> = {},
) {
  const name = `b-${randomUUID().slice(0, 13)}`;
  await server.client.send(new CreateBucketCommand({ Bucket: name }));
  return openBucket(server, name, changes);
}

/** @param options `secrets`, `signal` and `shared` in place of the usual ones */
export function openBucket(
  { endpoint, client }: Pick<S3Server, "endpoint" | "client">,
  name: string,
  changes: Record<string, unknown> = {},
  options: {
    secrets?: Record<string, string>;
    signal?: AbortSignal;
    shared?: ReturnType<typeof createSharedConnection>;
  } = {},
): Bucket {
  const { secrets = S3_SECRETS, signal = new AbortController().signal } = options;
  const config = connectionSchema.parse(connectionConfig(endpoint, name, changes));
  const connection = createS3Connection({
    ...{ config, secrets, signal, sourceConfig: {}, egress: LOOPBACK_EGRESS },
    redactor: createRedactor(Object.values(secrets)),
    shared: options.shared ?? createSharedConnection(secrets),
  });
  const store = createS3Store(connection, config);

  async function list(prefix = "", after?: string): Promise<ListedFile[]> {
    const files: ListedFile[] = [];
    for await (const page of store.list({ prefix, ...(after === undefined ? {} : { after }) })) files.push(...page);
    return files;
  }

  return {
    ...{ name, client, config, store, connection, list },
    async put(key, body, more = {}) {
      await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body, ...more }));
    },
    async find(key) {
      const file = (await list(key)).find(({ path }) => path === key);
      if (file === undefined) throw new Error(`${key} is not listed`);
      return file;
    },
    read: async (file, from = 0) => buffer(await store.open(file, { from })),
  };
}
