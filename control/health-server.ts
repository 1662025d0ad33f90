import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { METRICS_CONTENT_TYPE } from "./metrics.ts";

const PATIENCE_MS = 2_000;

/**
 * Answers `GET /healthz` with what `look` finds: 200 when everything is well, 503 with the parts that are not, or that give
 * no answer within 2 s; and `GET /metrics` with the text of `metrics`. For a process that serves no API, so that something
 * outside can tell whether it works.
 */
export async function startHealthServer(options: {
  host: string;
  port: number;
  look: () => Promise<Record<string, boolean>>;
  metrics: () => Promise<string>;
}): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    if (request.url === "/metrics") {
      response.writeHead(200, { "content-type": METRICS_CONTENT_TYPE, "cache-control": "no-store" });
      return response.end(await options.metrics());
    }
    if (request.url !== "/healthz") return response.writeHead(404).end();
    const parts = await Promise.race([options.look(), sleep(PATIENCE_MS, { answered: false }, { ref: false })]);
    const well = Object.values(parts).every(Boolean);
    response.writeHead(well ? 200 : 503, { "content-type": "application/json", "cache-control": "no-store" });
    return response.end(JSON.stringify({ status: well ? "ok" : "unavailable", ...parts }));
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
