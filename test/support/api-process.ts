import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { childEnv } from "./child-env.ts";

const ROOT = new URL("../../", import.meta.url);
/** Nothing listens there. */
const NOWHERE = "127.0.0.1:1";

interface Launched {
  child: ChildProcess;
  /** Everything it logged. */
  lines: string[];
}

export interface ApiProcess {
  url: string;
  port: number;
  lines: string[];
  /** SIGTERM, and waits. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits. */
  kill(): Promise<void>;
}

/** The API as a process of its own, without Temporal unless `env` says where it is. @param env names the database */
export function launchApi(env: Record<string, string>): Launched {
  const child = spawn(process.execPath, ["api/server.ts"], {
    cwd: ROOT,
    env: {
      ...childEnv(),
      TEMPORAL_ADDRESS: NOWHERE,
      SLUICE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
      PORT: "0",
      ...env,
    },
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) =>
      lines.push(
        ...chunk
          .toString()
          .split("\n")
          .filter((line) => line !== ""),
      ),
    );
  }
  return { child, lines };
}

export async function whenReady({ child, lines }: Launched): Promise<ApiProcess> {
  const exited = once(child, "exit").then(() => Promise.reject(new Error(`it ended: ${lines.join("\n")}`)));
  const ready = async (): Promise<number> => {
    for (;;) {
      const line = lines.find((each) => each.includes("API is ready"));
      if (line) return JSON.parse(line).port;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const port = await Promise.race([ready(), exited]);
  exited.catch(() => undefined);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    lines,
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const [code] = await ended;
      return code;
    },
    async kill() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
