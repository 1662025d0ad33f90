import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DatabaseLogin, tlsOptionsOf } from "../../../core/database-login.ts";
import { createDestinations } from "../../../destinations/open-destinations.ts";
import type { EgressPolicy } from "../../../egress/policy.ts";
import { findProvider } from "../../../providers/index.ts";
import { LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { createTcpServer } from "../../support/tcp-server.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

describe("a Postgres connection as a destination", () => {
  let source: PostgresSource;
  const loginOf = (config: Record<string, unknown>, password: string) => {
    const login = findProvider("postgres")?.destinationLogin?.({ config, secrets: { password } });
    if (login === undefined) throw new Error("no login");
    return login;
  };
  /** Asks its ledger, which is not there yet. */
  async function lookAt(login: DatabaseLogin, egress: EgressPolicy = LOOPBACK_EGRESS): Promise<void> {
    const destinations = createDestinations({ egress });
    try {
      await destinations.open(login).ensureLedger();
    } finally {
      await destinations.close();
    }
  }

  beforeAll(async () => {
    source = await createPostgresSource("create table t (id int primary key)");
    await source.sql(`grant create on database "${source.config.database}" to ${source.config.user}`);
  });
  afterAll(() => source.close());

  it("is the same database as the same user, whatever its password is made of", async () => {
    const password = `p@ss/w:rd?#%25 ü'"\\`;
    const literal = `'${password.replaceAll("'", "''")}'`;
    await source.sql(`set standard_conforming_strings = on; alter role ${source.config.user} password ${literal}`);
    await lookAt(loginOf(source.config, password));
    const [owner] = await source.sql(
      "select nspowner::regrole::text as role from pg_namespace where nspname = '_sluice'",
    );
    expect(owner).toEqual({ role: source.config.user });
  });

  it("keeps what sslMode says", () => {
    const tls = (sslMode: string, more = {}) => tlsOptionsOf(loginOf({ ...source.config, sslMode, ...more }, "x"));
    expect(tls("disable")).toBe(false);
    expect(tls("require")).toEqual({ rejectUnauthorized: false });
    expect(tls("verify-ca", { sslRootCert: "pem" })).toEqual({
      ...{ rejectUnauthorized: true, ca: "pem" },
      checkServerIdentity: expect.any(Function),
    });
    expect(tls("verify-full")).toEqual({ rejectUnauthorized: true });
  });

  it("is nowhere else, however its parts are written: what stands for another server is no host, and a database is a name", async () => {
    const server = await createTcpServer();
    try {
      const elsewhere = `host=127.0.0.1&port=${server.port}&sslmode=disable&y=`;
      expect(() => loginOf({ ...source.config, host: `x/warehouse?${elsewhere}` }, "x")).toThrow(/host/);
      const { port } = source.config;
      for (const part of ["database", "user"]) {
        const config = { ...source.config, [part]: `x?${elsewhere}`.slice(0, 63) };
        const failing = lookAt(loginOf(config, `x@127.0.0.1:${server.port}/`));
        await expect(failing).rejects.toMatchObject({
          reasonCode: expect.stringMatching(/auth_failed|config_invalid/),
        });
      }
      expect([server.count(), port]).toEqual([0, source.config.port]);
    } finally {
      await server.close();
    }
  });

  it("is kept to where the deployment lets connectors go, and says so", async () => {
    const server = await createTcpServer();
    const login = loginOf({ ...source.config, port: server.port }, "x");
    try {
      const refused = lookAt(login, { allowPrivate: [], allowOnly: ["db.example"] });
      await expect(refused).rejects.toMatchObject({
        ...{ name: "TerminalError", reasonCode: "destination_address_refused" },
        fix: expect.stringContaining("SLUICE_EGRESS_ALLOW_ONLY"),
      });
      const metadata = { ...login, host: "169.254.169.254" };
      await expect(lookAt(metadata)).rejects.toMatchObject({ reasonCode: "destination_address_refused" });
      expect(server.count()).toBe(0);
    } finally {
      await server.close();
    }
  });

  it.each([
    ["another protocol", "HTTP/1.1 400 canary-banner\r\n\r\n", "disable"],
    ["another protocol in place of TLS", "HTTP/1.1 400 canary-banner\r\n\r\n", "verify-full"],
    ["a message that the driver trips over", Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 99]), "disable"],
  ])("that is no Postgres is told as such, without its words: %s", async (_, banner, sslMode) => {
    const server = await createTcpServer((socket) => {
      socket.once("data", () => socket.write(banner));
    });
    const destinations = createDestinations({ egress: LOOPBACK_EGRESS });
    try {
      const destination = destinations.open(loginOf({ ...source.config, port: server.port, sslMode }, "x"));
      const error = await destination.ensureLedger().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: "TransientError", reasonCode: "destination_unavailable" });
      expect(String(error)).toMatch(/no Postgres server|takes connections/);
      expect(String(error)).not.toContain("canary");
    } finally {
      await destinations.close();
      await server.close();
    }
  });

  it("is not the control database, by whatever it is reached", async () => {
    const destinations = createDestinations({ egress: LOOPBACK_EGRESS, isControlDatabase: async () => true });
    try {
      const password = "plain";
      await source.sql(`alter role ${source.config.user} password '${password}'`);
      for (const place of [loginOf(source.config, password), source.url]) {
        await expect(destinations.open(place).ensureLedger()).rejects.toMatchObject({
          ...{ name: "TerminalError", reasonCode: "destination_address_refused" },
          message: expect.stringContaining("control database"),
        });
      }
    } finally {
      await destinations.close();
    }
  });
});
