import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionJson } from "../../api/schemas/connections.ts";
import type { RunJson } from "../../api/schemas/runs.ts";
import type { SyncJson } from "../../api/schemas/syncs.ts";

/** What the API answered instead of what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(request: string, status: number, body: Record<string, unknown>) {
    super(`${request} answered ${status}: ${JSON.stringify(body.detail ?? body)}`);
    this.status = status;
    this.body = body;
  }
}

export type Api = ReturnType<typeof createApi>;

/** The public API, as far as the demo needs it. */
export function createApi(apiUrl: string) {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${apiUrl}/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = JSON.parse(await response.text());
    if (!response.ok) throw new ApiError(`${method} ${path}`, response.status, answer);
    return answer;
  }

  return {
    async findConnection(name: string): Promise<ConnectionJson | null> {
      const path = `/connections?q=${encodeURIComponent(name)}`;
      const { connections } = await call<{ connections: ConnectionJson[] }>("GET", path);
      return connections.find((connection) => connection.name === name) ?? null;
    },
    createConnection: (body: unknown) => call<ConnectionJson>("POST", "/connections", body),
    updateConnection: (id: string, body: unknown) => call<ConnectionJson>("PATCH", `/connections/${id}`, body),
    checkConnection: (id: string) => whenThereIsAWorker(() => call<ConnectionJson>("POST", `/connections/${id}/check`)),

    async findSync(slug: string): Promise<SyncJson | null> {
      const { syncs } = await call<{ syncs: SyncJson[] }>("GET", `/syncs?q=${encodeURIComponent(slug)}`);
      return syncs.find((sync) => sync.slug === slug) ?? null;
    },
    createSync: (body: unknown) => whenThereIsAWorker(() => call<SyncJson>("POST", "/syncs", body)),
    getSync: (id: string) => call<SyncJson>("GET", `/syncs/${id}`),
    triggerSync: (id: string, body: unknown) => call<RunJson>("POST", `/syncs/${id}/trigger`, body),
    async newestRun(syncId: string): Promise<RunJson | null> {
      const { runs } = await call<{ runs: RunJson[] }>("GET", `/syncs/${syncId}/runs?limit=1`);
      return runs[0] ?? null;
    },
    getRun: (id: string) => call<RunJson>("GET", `/syncs/runs/${id}`),
  };
}

/** Tries again while the worker, which starts beside the API, is not up yet. */
async function whenThereIsAWorker<T>(request: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 60_000; ; ) {
    try {
      return await request();
    } catch (error) {
      const mayCome = error instanceof ApiError && (error.status === 503 || error.status === 504);
      if (!mayCome || Date.now() > deadline) throw error;
      await sleep(500);
    }
  }
}
