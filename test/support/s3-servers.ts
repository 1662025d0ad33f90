import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { findMoto } from "../../scripts/lib/find-moto.ts";
import { freePort } from "../../scripts/lib/ports.ts";
import { createLocalS3Client, type S3Server, startS3Server } from "../../scripts/lib/s3-server.ts";
import { endChild } from "../../scripts/lib/served-process.ts";

/** The first time on a machine moto is installed. */
export const FIRST_START_MS = 600_000;
const READY_TIMEOUT_MS = 60_000;
/** Keys of one answer, so that a listing of few objects has pages. */
const MOTO_PAGE = 25;

/** moto in a process of its own, on loopback. It looks at no signature. */
async function startMoto(log: (line: string) => void): Promise<S3Server> {
  const python = await findMoto({ env: process.env, log: (line) => console.log(line) });
  const port = await freePort();
  const child = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], {
    ...{ stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, MOTO_S3_DEFAULT_MAX_KEYS: String(MOTO_PAGE) } },
  });
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on("line", log);
  const endpoint = `http://127.0.0.1:${port}`;
  const giveUpAt = Date.now() + READY_TIMEOUT_MS;
  while (!(await answers(`${endpoint}/moto-api/`))) {
    if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error("moto has not begun to listen");
    await sleep(100);
  }
  const client = createLocalS3Client(endpoint);
  return {
    ...{ endpoint, client, pid: child.pid ?? null },
    async stop() {
      client.destroy();
      await endChild(child);
    },
  };
}

/** By the names that test reports show. */
export const S3_SERVERS: Record<"moto" | "fauxqs", (log: (line: string) => void) => Promise<S3Server>> = {
  moto: startMoto,
  fauxqs: startS3Server,
};

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
