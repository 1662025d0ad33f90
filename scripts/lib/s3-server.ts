import { fileURLToPath } from "node:url";
import { S3Client } from "@aws-sdk/client-s3";
import { endChild, startServing } from "./served-process.ts";

const SERVE = fileURLToPath(new URL("../serve-s3.ts", import.meta.url));

export interface S3Server {
  /** With path style. */
  endpoint: string;
  /** For whoever puts something there. */
  client: S3Client;
  pid: number | null;
  stop(): Promise<void>;
}

export const S3_KEY = { accessKeyId: "SLUICELOCAL", secretAccessKey: "local-secret-access-key" };

/** The server of `scripts/serve-s3.ts`. @throws when it ends before it listens */
export async function startS3Server(log: (line: string) => void): Promise<S3Server> {
  const { child, line: endpoint } = await startServing([SERVE], { what: "the local S3 server", log });
  const client = createLocalS3Client(endpoint);
  return {
    ...{ endpoint, client, pid: child.pid ?? null },
    async stop() {
      client.destroy();
      await endChild(child);
    },
  };
}

export function createLocalS3Client(endpoint: string): S3Client {
  return new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials: S3_KEY });
}
