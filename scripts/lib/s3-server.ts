import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { S3Client } from "@aws-sdk/client-s3";

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
  const child = spawn(process.execPath, [SERVE], { stdio: ["pipe", "pipe", "pipe"] });
  createInterface({ input: child.stderr }).on("line", log);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the local S3 server ended with ${code}`);
  });
  const [endpoint] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])) as [string];
  // From here on its end is seen by whoever asks it something.
  ended.catch(() => undefined);
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

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
