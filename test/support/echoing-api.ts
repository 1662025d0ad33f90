import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { ENCODINGS } from "./encodings.ts";

/**
 * An HTTP API with OAuth, whose refusals quote what they were sent. With any token, `/said` refuses and quotes it, and `/kept` has a record
 * that holds it where a number belongs, both in the `encoding` of the query.
 */
export interface EchoingApi {
  baseUrl: string;
  /** Every request but those for tokens is refused. */
  refusing: boolean;
  close(): Promise<void>;
}

/** @param issue gives the access and refresh tokens that it hands out */
export async function createEchoingApi(issue: (kind: "access" | "refresh") => string): Promise<EchoingApi> {
  const valid = new Set<string>();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const answer = (status: number, json: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(json));
    };
    const { authorization = "" } = request.headers;
    if (request.url?.startsWith("/token")) {
      const accessToken = issue("access");
      valid.add(`Bearer ${accessToken}`);
      return answer(200, { access_token: accessToken, refresh_token: issue("refresh"), expires_in: 3600 });
    }
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://echo");
    const echo = ENCODINGS[searchParams.get("encoding") ?? ""]?.(authorization.slice("Bearer ".length));
    if (pathname === "/said") return answer(400, { error: `refused: ${echo}` });
    // No number, and longer than the column takes.
    if (pathname === "/kept")
      return answer(200, [
        { id: 1, amount: 1 },
        { id: 2, amount: echo, note: { echo } },
      ]);
    if (!valid.has(authorization)) return answer(401, { error: `${authorization} is not known, nor ${body}` });
    if (api.refusing) return answer(400, { error: `refused: ${authorization} at ${request.url}` });
    answer(200, [{ id: 1, note: "one" }]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const api: EchoingApi = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refusing: false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return api;
}
