import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createDb } from "../../db/client.ts";
import { pingDatabase } from "../../db/ping.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import { freePort } from "../../scripts/lib/ports.ts";
import { type PostgresServer, startPostgres } from "../../scripts/lib/postgres.ts";
import { postgresUser, reachableDir } from "../../scripts/lib/postgres-binaries.ts";
import { createCertificate } from "../support/certificate.ts";

/** Both databases that processes reach by a URL. */
describe("Postgres over TLS", () => {
  const { certificate, key } = createCertificate("localhost");
  const stranger = createCertificate("localhost");
  let root: string;
  let dir: string;
  let server: PostgresServer;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sluice-postgres-tls-"));
    await chmod(root, 0o711);
    const user = await postgresUser();
    dir = await reachableDir(join(root, "postgres"), user);
    const files = { "server.crt": certificate, "server.key": key, "stranger.crt": stranger.certificate };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(dir, name), text, { mode: 0o600 });
      if (user !== null) await chown(join(dir, name), user.uid, user.gid);
    }
    server = await startPostgres({
      dataDir: join(dir, "data"),
      port: await freePort(),
      password: "test",
      settings: { ssl: "on", ssl_cert_file: join(dir, "server.crt"), ssl_key_file: join(dir, "server.key") },
      onLine: () => undefined,
    });
  });
  afterAll(async () => {
    await server?.child.stop();
    await Promise.all([root, dir].map((path) => rm(path, { recursive: true, force: true })));
  });

  const urlOf = (host: string, ssl: Record<string, string>): string => {
    const url = new URL(server.url("postgres"));
    url.hostname = host;
    for (const [name, value] of Object.entries(ssl)) url.searchParams.set(name, value);
    return url.href;
  };
  const trusted = () => ({ sslmode: "verify-full", sslrootcert: join(dir, "server.crt") });

  const reach: Record<string, (url: string) => Promise<void>> = {
    "the control database": async (url) => {
      const db = createDb({ url, onPoolError: () => undefined });
      await pingDatabase(db).finally(() => db.destroy());
    },
    "the warehouse": (url) => createPostgresDestination({ url }).ensureLedger(),
  };

  describe.each(Object.entries(reach))("%s", (_name, connect) => {
    it("is reached with sslmode=verify-full, by its name and with its authority", async () => {
      await connect(urlOf("localhost", trusted()));
    });

    it("is not when the authority is another one, or not given and not public", async () => {
      const other = { sslmode: "verify-full", sslrootcert: join(dir, "stranger.crt") };
      await expect(connect(urlOf("localhost", other))).rejects.toThrow();
      await expect(connect(urlOf("localhost", { sslmode: "verify-full" }))).rejects.toThrow();
    });

    it("is not when it goes by another name than its certificate's", async () => {
      await expect(connect(urlOf("127.0.0.1", trusted()))).rejects.toThrow();
    });

    it("is not when it does not encrypt", async () => {
      const plain = new URL(inject("postgresUrl"));
      plain.searchParams.set("sslmode", "verify-full");
      await expect(connect(plain.href)).rejects.toThrow("does not support SSL");
    });

    it("is reached unverified only where that was asked for", async () => {
      await connect(urlOf("127.0.0.1", { sslmode: "no-verify" }));
    });
  });
});
