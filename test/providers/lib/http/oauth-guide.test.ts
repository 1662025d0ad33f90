import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { httpApi } from "../../../../providers/http_api/index.ts";
import { refreshTokenAuth } from "../../../../providers/lib/http/auth/oauth2.ts";
import { browse, CLIENT_SECRET, REDIRECT_URI, startOAuthServer } from "../../../support/oauth-server.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { openClient, serve } from "./local-http.ts";

it("the commands of docs/guide/oauth.md obtain a refresh token, store it and replace it", async () => {
  const server = await startOAuthServer();
  onTestFinished(() => server.close());
  const sluice = await serve((_, response) => response.writeHead(201).end("{}"));
  const folder = await mkdtemp(join(tmpdir(), "oauth-guide-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const blocks = [...(await readFile("docs/guide/oauth.md", "utf8")).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
    ([, block = ""]) => block,
  );
  expect(blocks).toHaveLength(6);
  const [, address = "", , exchange = "", connect = "", replace = ""] = blocks;

  // What a person fills in, in place of the first and third block.
  const values: Record<string, string> = {
    ...{ authorize_url: `${server.origin}/auth`, token_url: server.tokenUrl, redirect_uri: REDIRECT_URI },
    ...{ client_id: "confidential", client_secret: CLIENT_SECRET, scope: "openid offline_access orders.read" },
    ...{ base: sluice.origin, auth: "x-api-key: k", connection_id: "7" },
  };
  const bash = async (script: string): Promise<string> => {
    const run = promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", no_proxy: "127.0.0.1", ...values },
    });
    return (await run).stdout;
  };

  const [url = "", verifier = ""] = (await bash(`${address}\necho "$code_verifier"`)).trim().split("\n");
  const landed = new URL(await browse(url, server.origin));
  expect(landed.href.startsWith(REDIRECT_URI)).toBe(true);
  Object.assign(values, { code_verifier: verifier, code: landed.searchParams.get("code") });
  values.refresh_token = (await bash(`${exchange}\necho "$refresh_token"`)).trim();
  await bash(`${connect}\n${replace}`);
  expect(await readdir(folder)).toEqual([]);

  const [created, replaced] = sluice.received.map(({ method, url, body, headers }) => ({
    ...{ method, url, key: headers["x-api-key"], body: JSON.parse(body) },
  }));
  expect(created).toMatchObject({ method: "POST", url: "/api/v1/connections", key: "k" });
  expect(replaced).toMatchObject({ method: "PATCH", url: "/api/v1/connections/7" });
  expect(replaced?.body).toEqual({ secrets: { refreshToken: values.refresh_token } });
  const { config, secrets } = created?.body ?? {};
  expect(httpApi.connectionSchema.parse(config)).toMatchObject({ auth: config.auth });
  expect(secrets).toEqual({ clientSecret: CLIENT_SECRET, refreshToken: values.refresh_token });

  const auth = refreshTokenAuth(
    {
      tokenUrl: config.auth.tokenUrl,
      clientId: config.auth.clientId,
      clientSecret: secrets.clientSecret,
      sendIn: "header",
    },
    { name: "refreshToken", value: secrets.refreshToken },
  );
  const shared = createSharedConnection({ refreshToken: secrets.refreshToken });
  const client = openClient({ baseUrl: `${server.origin}/api`, auth, shared });
  expect((await client.send({ doing: "orders", method: "GET", url: "orders1" })).status).toBe(200);
});
