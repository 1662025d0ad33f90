import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Db } from "../../../../db/client.ts";
import { insertConnection } from "../../../../db/connections.ts";
import { createKeyring, sealSecrets } from "../../../../db/secrets.ts";
import {
  clientCredentialsAuth,
  type OAuthClient,
  refreshTokenAuth,
} from "../../../../providers/lib/http/auth/oauth2.ts";
import { getConnection } from "../../../support/connections.ts";
import { CLIENT_SECRET, type OAuthServer, startOAuthServer } from "../../../support/oauth-server.ts";
import { createControlDatabase, openDb, type TestDatabase } from "../../../support/postgres.ts";
import type { RenewingProcess } from "../../../support/renewing-process.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { openClient } from "./local-http.ts";

const ORDERS = { doing: "orders", method: "GET", url: "orders1" } as const;

async function openServer(options?: Parameters<typeof startOAuthServer>[0]): Promise<OAuthServer> {
  const server = await startOAuthServer(options);
  onTestFinished(() => server.close());
  return server;
}

const confidential = (server: OAuthServer): OAuthClient => ({
  ...{ tokenUrl: server.tokenUrl, clientId: "confidential", clientSecret: CLIENT_SECRET, sendIn: "header" },
});

async function openRefreshing(server: OAuthServer, client = confidential(server)) {
  const value = await server.issueRefreshToken(client.clientId);
  const shared = createSharedConnection({ refreshToken: value });
  const open = () =>
    openClient({
      ...{ baseUrl: `${server.origin}/api`, shared },
      auth: refreshTokenAuth(client, { name: "refreshToken", value }),
    });
  return { value, shared, open };
}

describe("a client of a real authorization server", () => {
  it.each<[string, Partial<OAuthClient>]>([
    ["basic", {}],
    ["form", { clientId: "in the form", sendIn: "body" }],
  ])("shows who it is, with any character in its secret: %s", async (_, given) => {
    const server = await openServer();
    const auth = clientCredentialsAuth({ ...confidential(server), ...given, scopes: ["orders.read"] });
    expect((await openClient({ baseUrl: `${server.origin}/api`, auth }).send(ORDERS)).json()).toEqual(["orders1"]);
    expect(server.tokens).toEqual(["client_credentials"]);
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = (pair: typeof rsa, kid: string, alg?: string) => ({
    ...pair.publicKey.export({ format: "jwk" }),
    ...{ kid, use: "sig", ...(alg === undefined ? {} : { alg }) },
  });
  it.each([
    ["RS256", rsa, "r1"],
    ["PS256", rsa, "r1"],
    ["ES256", ec, "e1"],
  ] as const)("signs an assertion in place of a secret: %s", async (algorithm, pair, keyId) => {
    const jwks = { keys: [jwk(rsa, "r1"), jwk(ec, "e1")] };
    const server = await openServer({ jwks: JSON.parse(JSON.stringify(jwks)) });
    const privateKey = String(pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    const client: OAuthClient = {
      ...{ tokenUrl: server.tokenUrl, clientId: `signs ${algorithm}`, clientSecret: null, sendIn: "assertion" },
      assertion: { algorithm, privateKey, keyId },
    };
    const open = (assertion = client.assertion) =>
      openClient({ baseUrl: `${server.origin}/api`, auth: clientCredentialsAuth({ ...client, assertion }) });
    expect((await open().send(ORDERS)).status).toBe(200);
    const stranger =
      algorithm === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("rsa", { modulusLength: 2048 });
    const other = String(stranger.privateKey.export({ type: "pkcs8", format: "pem" }));
    await expect(open({ algorithm, privateKey: other, keyId }).send(ORDERS)).rejects.toMatchObject({
      ...{ name: "TerminalError", reasonCode: "source_auth_failed" },
    });
  });

  it.each([true, false])("renews with its refresh token, rotating: %s", async (rotates) => {
    const server = await openServer({ rotates });
    const { value, shared, open } = await openRefreshing(server);
    const client = open();
    await client.send(ORDERS);
    expect(shared.now.secrets.refreshToken === value).toBe(!rotates);
    for (let i = 0; i < 3; i += 1) {
      const token = await server.provider.AccessToken.find(shared.now.tokens.accessToken ?? "");
      await token?.destroy();
      expect((await client.send(ORDERS)).status).toBe(200);
    }
    expect(server.tokens).toEqual(Array(4).fill("refresh_token"));
  });

  it("renews before a page where its token has ended since the page before", async () => {
    const server = await openServer({ accessTokenSeconds: 2 });
    const { shared, open } = await openRefreshing(server);
    const client = open();
    await client.send(ORDERS);
    const { accessToken = "" } = shared.now.tokens;
    const isOver = async (): Promise<boolean> =>
      Date.parse(shared.now.tokens.renewAt ?? "") < Date.now() &&
      !(await server.provider.AccessToken.find(accessToken))?.isValid;
    await expect.poll(isOver, { timeout: 30_000 }).toBe(true);
    expect((await client.send({ ...ORDERS, url: "orders2" })).status).toBe(200);
    expect(server.asked).toEqual(["orders1 200", "orders2 200"]);
    expect(server.tokens).toEqual(["refresh_token", "refresh_token"]);
  });

  it("asks for a page again where its token ends while the page is on its way", async () => {
    const server = await openServer();
    const { shared, open } = await openRefreshing(server);
    const client = open();
    await client.send(ORDERS);
    const { accessToken = "" } = shared.now.tokens;
    server.beforeAnswer = async () => {
      await (await server.provider.AccessToken.find(accessToken))?.destroy();
    };
    expect((await client.send({ ...ORDERS, url: "orders2" })).status).toBe(200);
    expect(server.asked).toEqual(["orders1 200", "orders2 401", "orders2 200"]);
    expect(server.tokens).toEqual(["refresh_token", "refresh_token"]);
  });

  it("that uses an old refresh token loses the grant, and is told what to do, without the token", async () => {
    const server = await openServer();
    const { value, shared, open } = await openRefreshing(server);
    await open().send(ORDERS);
    // Somebody has written the first token back, from a password manager for example.
    shared.now = { secrets: { refreshToken: value }, tokens: {} };
    const sent = open().send(ORDERS);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_auth_expired" });
    await expect(sent).rejects.toThrow(
      "Authorise the connection again as docs/guide/oauth.md says, and store the new refresh token as the secret 'refreshToken'.",
    );
    await expect(sent).rejects.not.toThrow(value);
    expect(server.tokens.at(-1)).toBe("invalid_grant: grant request is invalid");
  });
});

describe("processes with one connection", () => {
  const keyring = `k1:${randomBytes(32).toString("base64")}`;
  let database: TestDatabase;
  let db: Db;

  beforeAll(async () => {
    database = await createControlDatabase();
    db = openDb(database.url);
  });
  afterAll(async () => {
    await db.destroy();
    await database.drop();
  });

  async function connect(server: OAuthServer): Promise<string> {
    const id = randomUUID();
    const secrets = { refreshToken: await server.issueRefreshToken(), clientSecret: CLIENT_SECRET };
    await insertConnection(db, {
      ...{ id, name: `api ${id}`, provider: "http_api", taskQueue: "sluice", status: "ok", checks: "[]" },
      config: JSON.stringify({ baseUrl: server.origin }),
      secrets: JSON.stringify(sealSecrets(createKeyring(keyring), id, secrets)),
      ...{ createdBy: "user:a", updatedBy: "user:a" },
    });
    return id;
  }

  async function start(task: Pick<RenewingProcess, "connectionId" | "origin"> & Partial<RenewingProcess>) {
    const whole = { databaseUrl: database.url, keyring, requests: 3, dies: null, ...task };
    const child = spawn(process.execPath, ["test/support/renewing-process.ts", JSON.stringify(whole)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    await expect.poll(() => said.join(""), { timeout: 60_000 }).toContain("ready");
    return {
      go: () => child.stdin.write("go\n"),
      ended: async (): Promise<{ signal: string | null; said: string }> => {
        if (isRunning(child)) await once(child, "close");
        return { signal: child.signalCode, said: said.join("") };
      },
    };
  }

  const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

  /** As time does it: the lease of a process that died runs out. */
  const endLease = (id: string) =>
    db.updateTable("connections").set({ renewalUntil: new Date() }).where("id", "=", id).execute();

  it("that need a token at once ask for one", async () => {
    const server = await openServer();
    const task = { connectionId: await connect(server), origin: server.origin };
    const both = await Promise.all([start(task), start(task)]);
    for (const each of both) each.go();
    for (const each of both) expect((await each.ended()).said).toBe("ready\n200\n200\n200\n");
    expect(server.tokens).toEqual(["refresh_token"]);
  });

  it("go on with what one of them has stored before it died", async () => {
    const server = await openServer();
    const task = { connectionId: await connect(server), origin: server.origin };
    const dying = await start({ ...task, dies: "before it uses" });
    dying.go();
    expect(await dying.ended()).toEqual({ signal: "SIGKILL", said: "ready\n" });
    const next = await start(task);
    next.go();
    expect((await next.ended()).said).toBe("ready\n200\n200\n200\n");
    expect(server.tokens).toEqual(["refresh_token"]);
  });

  it("say what to do where one of them died with the only copy of a rotated refresh token", async () => {
    const server = await openServer();
    const task = { connectionId: await connect(server), origin: server.origin };
    const dying = await start({ ...task, dies: "before it stores" });
    dying.go();
    expect(await dying.ended()).toEqual({ signal: "SIGKILL", said: "ready\n" });
    expect(server.tokens).toEqual(["refresh_token"]);
    await endLease(task.connectionId);
    const next = await start(task);
    next.go();
    const { said } = await next.ended();
    expect(said).toContain("source_auth_expired");
    expect(said).toContain("Authorise the connection again as docs/guide/oauth.md says");
    expect(server.tokens.at(-1)).toContain("invalid_grant");
  });

  it("go on after such a death where the source still takes the refresh token of before", async () => {
    const server = await openServer({ rotates: false });
    const task = { connectionId: await connect(server), origin: server.origin };
    const dying = await start({ ...task, dies: "before it stores" });
    dying.go();
    await dying.ended();
    await endLease(task.connectionId);
    const next = await start(task);
    next.go();
    expect((await next.ended()).said).toBe("ready\n200\n200\n200\n");
    expect((await getConnection({ db, keyring: createKeyring(keyring) }, task.connectionId)).tokens).toHaveProperty(
      "accessToken",
    );
  });
});
