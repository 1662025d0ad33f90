import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { readEnv } from "../../control/env.ts";
import { createTemporalClient } from "../../control/temporal.ts";
import { createCertificate } from "../support/certificate.ts";
import { createTlsProxy, type TlsProxy } from "../support/tls-proxy.ts";
import { createWorld, trigger, whenEnded } from "../support/world.ts";

const REQUIRED = { DATABASE_URL: "postgres://a@127.0.0.1/b", SLUICE_ENCRYPTION_KEYS: "k1:x" };
const server = createCertificate("localhost");
const client = createCertificate("sluice");
const stranger = createCertificate("stranger");

describe("Temporal behind TLS", () => {
  let dir: string;
  let proxy: TlsProxy;
  let path: (name: string) => string;
  let env: Record<string, string>;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "sluice-tls-"));
    path = (name) => join(dir, name);
    await writeFile(path("ca.pem"), server.certificate);
    await writeFile(path("client.pem"), client.certificate);
    await writeFile(path("client.key"), client.key, { mode: 0o600 });
    proxy = await createTlsProxy({
      targetAddress: inject("temporalAddress"),
      ...server,
      clientAuthority: client.certificate,
    });
    env = {
      TEMPORAL_ADDRESS: `localhost:${proxy.port}`,
      TEMPORAL_API_KEY: "key-of-a-test",
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: path("ca.pem"),
      TEMPORAL_TLS_CLIENT_CERT_PATH: path("client.pem"),
      TEMPORAL_TLS_CLIENT_KEY_PATH: path("client.key"),
    };
  });
  afterAll(async () => {
    await proxy.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function ask(variables: Record<string, string>): Promise<void> {
    const temporal = createTemporalClient(readEnv({}, { ...REQUIRED, ...variables }).temporal);
    try {
      await temporal.withDeadline(Date.now() + 2_000, () => temporal.workflowService.getSystemInfo({}));
    } finally {
      await temporal.connection.close();
    }
  }

  it("a worker runs a sync with a client certificate and an API key, which goes with every request", async () => {
    const world = await createWorld();
    try {
      await world.source("create table items (id int primary key); insert into items select generate_series(1, 100)");
      await world.startWorker(env);
      const sync = await world.createSync({
        connectionId: await world.createConnection(),
        entities: ["public.items"],
      });
      expect(await whenEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    } finally {
      await world.close();
    }
    expect(proxy.authorizations().length).toBeGreaterThan(10);
    expect(new Set(proxy.authorizations())).toEqual(new Set(["Bearer key-of-a-test"]));
  });

  it("the API's client gets in with the same variables, as files or as text", async () => {
    await ask(env);
    const {
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: _ca,
      TEMPORAL_TLS_CLIENT_CERT_PATH: _cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: _key,
      ...rest
    } = env;
    await ask({
      ...rest,
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: server.certificate,
      TEMPORAL_TLS_CLIENT_CERT_DATA: client.certificate,
      TEMPORAL_TLS_CLIENT_KEY_DATA: client.key,
    });
  });

  it("a server's name is checked, and may be another one than the address's", async () => {
    const byAddress = { ...env, TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` };
    await expect(ask(byAddress)).rejects.toThrow();
    await ask({ ...byAddress, TEMPORAL_TLS_SERVER_NAME: "localhost" });
  });

  it("nobody gets in without the client certificate, with a stranger's, or without trust in the server", async () => {
    const { TEMPORAL_TLS_CLIENT_CERT_PATH: _cert, TEMPORAL_TLS_CLIENT_KEY_PATH: _key, ...anonymous } = env;
    await expect(ask(anonymous)).rejects.toThrow();
    await expect(
      ask({
        ...anonymous,
        TEMPORAL_TLS_CLIENT_CERT_DATA: stranger.certificate,
        TEMPORAL_TLS_CLIENT_KEY_DATA: stranger.key,
      }),
    ).rejects.toThrow();
    const { TEMPORAL_TLS_SERVER_CA_CERT_PATH: _ca, ...distrustful } = env;
    await expect(ask(distrustful)).rejects.toThrow();
    await expect(ask({ TEMPORAL_ADDRESS: `localhost:${proxy.port}` })).rejects.toThrow();
  });
});
