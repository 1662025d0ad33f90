import { execFile } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { SEARCH_ATTRIBUTES } from "../../core/workflow-contract.ts";
import { type ChildHooks, type SupervisedChild, superviseChild } from "./children.ts";
import { findTemporal } from "./find-temporal.ts";
import { choosePort, type PortContext } from "./ports.ts";

const execute = promisify(execFile);
const DEFAULT_PORT = 7233;
const DEFAULT_UI_PORT = 8233;

export interface TemporalOptions extends ChildHooks {
  /** The `temporal` command-line tool. */
  executable: string;
  /** Keeps workflows between starts. */
  dbFile: string;
  port: number;
  /** Null: without the Web UI. */
  uiPort: number | null;
  /** Of the server's own settings those that are not as usual. */
  dynamicConfig?: Record<string, string | number>;
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
      ...Object.entries(options.dynamicConfig ?? {}).flatMap(([key, value]) => [
        "--dynamic-config-value",
        `${key}=${value}`,
      ]),
      ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ["--search-attribute", `${name}=${type}`]),
    ],
    stopSignal: "SIGTERM",
    graceMs: 10_000,
    // The dev server opens its port when its namespace is there; on a busy machine it refuses requests for a while even then.
    isReady: async () => (await canConnect("127.0.0.1", port)) && (await isServing(executable, port)),
    readyTimeoutMs: 60_000,
    onLine: options.onLine,
    onDeath: options.onDeath,
    onPid: options.onPid,
    signal: options.signal,
  });
  await child.start();
  return { child, address: `127.0.0.1:${port}` };
}

/** What the server says of itself. False where it does not answer. */
async function isServing(executable: string, port: number): Promise<boolean> {
  const ask = ["operator", "cluster", "health", "--address", `127.0.0.1:${port}`];
  return execute(executable, ask, { timeout: 5_000 }).then(
    ({ stdout }) => stdout.trim() === "SERVING",
    () => false,
  );
}

export interface ProvidedTemporal {
  address: string;
  uiUrl: string;
  /** Null for a server that was running already. */
  child: SupervisedChild | null;
}

/**
 * The server that `TEMPORAL_ADDRESS` names, or one of our own that keeps its workflows in `home`.
 * @throws Error when nobody listens there, or no server can be found
 */
export async function provideTemporal(options: {
  home: string;
  env: NodeJS.ProcessEnv;
  ports: PortContext;
  log: (line: string) => void;
  hooks: ChildHooks;
}): Promise<ProvidedTemporal> {
  const { env, log, ports, hooks } = options;
  const given = env.TEMPORAL_ADDRESS;
  if (given) {
    const { hostname, port } = new URL(`tcp://${given}`);
    if (!(await canConnect(hostname, Number(port || DEFAULT_PORT)))) {
      throw new Error(
        `nobody listens at TEMPORAL_ADDRESS=${given}: start that server, or unset it to have one started`,
      );
    }
    log(`using the Temporal server at ${given} (TEMPORAL_ADDRESS)`);
    return { address: given, uiUrl: env.TEMPORAL_UI_URL ?? `http://${hostname}:${DEFAULT_UI_PORT}`, child: null };
  }
  const executable = await findTemporal({ env, log, signal: hooks.signal });
  log(`starting Temporal (${executable})`);
  const port = await choosePort({ variable: "TEMPORAL_PORT", label: "Temporal", fallback: DEFAULT_PORT }, ports);
  const uiPort = await choosePort(
    { variable: "TEMPORAL_UI_PORT", label: "Temporal Web UI", fallback: DEFAULT_UI_PORT },
    ports,
  );
  const server = await startTemporal({ executable, dbFile: join(options.home, "temporal.db"), port, uiPort, ...hooks });
  return { address: server.address, uiUrl: `http://127.0.0.1:${uiPort}`, child: server.child };
}

function canConnect(host: string, port: number): Promise<boolean> {
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
