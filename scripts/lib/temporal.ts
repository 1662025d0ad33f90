import { connect } from "node:net";
import { SEARCH_ATTRIBUTES } from "../../core/workflow-contract.ts";
import { type SupervisedChild, superviseChild } from "./children.ts";

export interface TemporalOptions {
  /** The `temporal` command-line tool. */
  executable: string;
  /** Keeps workflows between starts. */
  dbFile: string;
  port: number;
  /** Null: without the Web UI. */
  uiPort: number | null;
  onLine: (line: string) => void;
  onPid?: (pid: number | null) => void;
}

export interface TemporalServer {
  readonly child: SupervisedChild;
  readonly address: string;
}

/** Starts a Temporal dev server of our own, supervised, with Sluice's search attributes. */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const { executable, dbFile, port, uiPort } = options;
  const child = superviseChild({
    name: "temporal",
    command: executable,
    args: [
      ...["server", "start-dev", "--ip", "127.0.0.1", "--port", String(port), "--db-filename", dbFile],
      ...(uiPort === null ? ["--headless"] : ["--ui-port", String(uiPort)]),
      ...["--log-level", "error"],
      ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ["--search-attribute", `${name}=${type}`]),
    ],
    stopSignal: "SIGTERM",
    graceMs: 10_000,
    isReady: () => accepts(port),
    readyTimeoutMs: 60_000,
    onLine: options.onLine,
    ...(options.onPid === undefined ? {} : { onPid: options.onPid }),
  });
  await child.start();
  return { child, address: `127.0.0.1:${port}` };
}

/** The dev server opens its port last, when its namespace is there. */
function accepts(port: number): Promise<boolean> {
  return canConnect("127.0.0.1", port);
}

export function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const answer = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once("connect", () => answer(true));
    socket.once("timeout", () => answer(false));
    socket.once("error", () => answer(false));
  });
}
