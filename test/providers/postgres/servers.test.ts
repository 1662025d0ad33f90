import { execFile } from "node:child_process";
import { chmod, chown, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { findProvider } from "../../../providers/index.ts";
import type { Source } from "../../../providers/provider.ts";
import { freePort } from "../../../scripts/lib/ports.ts";
import { type PostgresServer, startPostgres } from "../../../scripts/lib/postgres.ts";
import { postgresUser, reachableDir } from "../../../scripts/lib/postgres-binaries.ts";
import { createCertificate } from "../../support/certificate.ts";
import { withClient } from "../../support/postgres.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";

const run = promisify(execFile);

/** A primary that encrypts, and a standby of it. */
describe("Postgres servers of other kinds", () => {
  let root: string;
  let dir: string;
  let primary: PostgresServer;
  let standby: PostgresServer;
  const { certificate, key } = createCertificate("localhost");

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sluice-servers-"));
    await chmod(root, 0o711);
    const user = await postgresUser();
    dir = await reachableDir(join(root, "postgres"), user);
    for (const [name, text] of Object.entries({ "server.crt": certificate, "server.key": key })) {
      await writeFile(join(dir, name), text, { mode: 0o600 });
      if (user !== null) await chown(join(dir, name), user.uid, user.gid);
    }
    const tls = { ssl: "on", ssl_cert_file: join(dir, "server.crt"), ssl_key_file: join(dir, "server.key") };
    const options = { password: "test", onLine: () => undefined };
    const start = async () =>
      startPostgres({ ...options, dataDir: join(dir, "primary"), port: await freePort(), settings: tls });

    const first = await start();
    await withClient(first.url("postgres"), (client) =>
      client.query("create table items (id int primary key, updated_at timestamptz not null default now())"),
    );
    await first.child.stop();
    const copy = join(dir, "standby");
    await cp(join(dir, "primary"), copy, { recursive: true });
    await writeFile(join(copy, "standby.signal"), "");
    if (user !== null) await run("chown", ["-R", `${user.uid}:${user.gid}`, copy]);
    await chmod(copy, 0o700);
    primary = await start();
    standby = await startPostgres({
      ...options,
      dataDir: copy,
      port: await freePort(),
      settings: { primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres password=test` },
    });
  });
  afterAll(async () => {
    await Promise.all([primary?.child.stop(), standby?.child.stop()]);
    await Promise.all([root, dir].map((path) => rm(path, { recursive: true, force: true })));
  });

  async function withSource<T>(config: Record<string, unknown>, work: (source: Source) => Promise<T>): Promise<T> {
    const provider = findProvider("postgres");
    if (provider === null) throw new Error("no postgres provider");
    const source = await provider.connect({
      config: provider.connectionSchema.parse({ database: "postgres", user: "postgres", ...config }),
      secrets: { password: "test" },
      sourceConfig: {},
      signal: new AbortController().signal,
      redactor: createRedactor(),
      shared: createSharedConnection(),
      egress: LOOPBACK_EGRESS,
    });
    try {
      return await work(source);
    } finally {
      await source.close();
    }
  }

  it.each([
    ["require", "127.0.0.1", {}],
    ["verify-ca", "127.0.0.1", { sslRootCert: certificate }],
    ["verify-full", "localhost", { sslRootCert: certificate }],
  ])("connects with sslMode %s", async (sslMode, host, more) => {
    const checks = await withSource({ host, port: primary.port, sslMode, ...more }, (source) => source.check());
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it.each([
    ["verify-ca refuses a certificate of an unknown authority", "localhost", "verify-ca", {}],
    ["verify-full refuses a certificate of another host", "127.0.0.1", "verify-full", { sslRootCert: certificate }],
  ])("%s", async (_, host, sslMode, more) => {
    const config = { host, port: primary.port, sslMode, ...more };
    await expect(withSource(config, (source) => source.discover(null))).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "connection_unusable",
      message: expect.stringContaining("sslMode"),
    });
  });

  it("reads a standby with a lookback, up to what it has replayed", async () => {
    await withClient(primary.url("postgres"), (client) =>
      client.query("insert into items values (1, default), (2, 'infinity')"),
    );
    await expect.poll(() => replicated()).toBe("2");
    const config = { host: "127.0.0.1", port: standby.port, sslMode: "disable" };
    const checks = await withSource(config, (source) => source.check());
    expect(checks.find(({ name }) => name === "open_transactions")?.message).toContain("standby");
    const planned = (cursorField: string, cursorState: string) =>
      withSource(config, (source) =>
        source.plan({
          entityKey: "public.items",
          keyColumns: ["id"],
          cursorField,
          cursorState,
          scan: "incremental",
          windows: false,
          windowSize: null,
          maxSlices: 10,
          lookbackSeconds: null,
          safetyLagSeconds: null,
          catchUp: false,
          removes: false,
          between: null,
        }),
      );
    const plan = await planned("updated_at", "2026-01-01 12:00:00+00");
    expect(plan.slices).toHaveLength(1);
    expect(plan.evidence).toMatchObject({
      openTransactions: "standby",
      lookbackSeconds: 300,
      from: "2026-01-01 11:55:00+00",
    });
    const [newest] = await rows<{ at: string }>(
      "select max(updated_at)::text as at from items where updated_at <= pg_last_xact_replay_timestamp()",
    );
    expect(plan.upperBound).toBe(newest?.at);
    // Numbers that the primary has drawn but not committed would be passed.
    expect(await planned("id", "0")).toMatchObject({ upperBound: "0", slices: [expect.anything()] });
  });

  const rows = <Row extends pg.QueryResultRow>(text: string) =>
    withClient(standby.url("postgres"), async (client) => {
      await client.query("set timezone = 'UTC'");
      return (await client.query<Row>(text)).rows;
    });

  async function replicated(): Promise<string | undefined> {
    return (await rows<{ count: string }>("select count(*) from items"))[0]?.count;
  }
});
