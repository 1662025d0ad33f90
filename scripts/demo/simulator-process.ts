import { fileURLToPath } from "node:url";
import { endChild, startServing } from "../lib/served-process.ts";

const SERVE = fileURLToPath(new URL("../../test/simulators/serve.ts", import.meta.url));

/** A simulated vendor in a process of its own, and its control endpoint (test/simulators/control.ts). */
export interface SimulatorProcess {
  apiUrl: string;
  filesUrl: string;
  secrets: Record<string, string>;
  records(table: string): Promise<Record<string, unknown>[]>;
  /** Adds a record or changes fields of one. */
  put(table: string, record: Record<string, unknown>): Promise<void>;
  /** Adds records. */
  putAll(table: string, records: readonly Record<string, unknown>[]): Promise<void>;
  remove(table: string, id: number): Promise<void>;
  /** How many requests the vendor was sent, by what they ask for. */
  requestKinds(): Promise<Record<string, number>>;
  /** Moves the vendor's clock on. */
  advance(seconds: number): Promise<void>;
  command(name: string, args?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** @throws when it ends before it says where it is */
export async function startSimulator(vendor: string, log: (line: string) => void): Promise<SimulatorProcess> {
  const what = `the simulator of ${vendor}`;
  const { child, line } = await startServing([SERVE, vendor], { what, log });
  const { apiUrl, filesUrl, controlUrl, secrets } = JSON.parse(line);

  async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const sent =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await fetch(`${controlUrl}/${path}`, { method, ...sent });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${what} refused ${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  return {
    ...{ apiUrl, filesUrl, secrets },
    records: async (table) => (await ask("GET", `records/${table}`)) as Record<string, unknown>[],
    async put(table, record) {
      await ask("PUT", `records/${table}`, record);
    },
    async putAll(table, records) {
      await ask("POST", `records/${table}`, records);
    },
    requestKinds: async () => (await ask("GET", "request-kinds")) as Record<string, number>,
    async remove(table, id) {
      await ask("DELETE", `records/${table}/${id}`);
    },
    async advance(seconds) {
      await ask("POST", "advance", { seconds });
    },
    command: (name, args = {}) => ask("POST", `commands/${name}`, args),
    stop: () => endChild(child),
  };
}
