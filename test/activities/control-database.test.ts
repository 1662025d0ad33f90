import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createIsControlDatabase } from "../../activities/control-database.ts";
import { isSameDatabase, readIdentity } from "../../core/database-identity.ts";
import {
  createControlDatabase,
  createTestDatabase,
  openDb,
  type TestDatabase,
  withClient,
} from "../support/postgres.ts";

describe("the identity of a database", () => {
  let control: TestDatabase;
  let other: TestDatabase;
  beforeAll(async () => {
    [control, other] = [await createControlDatabase(), await createTestDatabase()];
    for (const { url } of [control, other]) {
      await withClient(url, (client) =>
        client.query("create role identity_reader login password 'x'").catch(() => undefined),
      );
    }
  });
  afterAll(async () => {
    await withClient(other.url, (client) => client.query("drop owned by identity_reader; drop role identity_reader"));
    await Promise.all([control.drop(), other.drop()]);
  });

  /** As a role that may do nothing but log in. */
  const readAs = (url: string, before = "") =>
    withClient(url, async (client) => {
      await client.query(`set role identity_reader; ${before}`);
      return readIdentity(async (sql) => (await client.query(sql)).rows);
    });

  it("is shown to every role, in every time zone, and is the database's own on a server of several", async () => {
    const db = openDb(control.url);
    try {
      const isControl = createIsControlDatabase(db);
      const found = await readAs(control.url, "set timezone = 'Asia/Kathmandu'; set datestyle = 'German'");
      expect(found).toMatchObject({ system: expect.stringMatching(/^\d+$/), deployment: null });
      expect([await isControl(found), await isControl(await readAs(other.url))]).toEqual([true, false]);
    } finally {
      await db.destroy();
    }
  });

  it("is known where the server does not show the cluster's identifier: by its start, or by the deployment's id", async () => {
    const withoutSystem = (url: string, role: string) =>
      withClient(url, async (client) => {
        await client.query(role);
        return readIdentity(async (sql) => {
          if (sql.includes("pg_control_system")) throw Object.assign(new Error("denied"), { code: "42501" });
          return (await client.query(sql)).rows;
        });
      });
    const own = { ...(await readAs(control.url)), deployment: "d" };
    const stranger = await withoutSystem(control.url, "set role identity_reader");
    expect(stranger).toMatchObject({ system: null, deployment: null });
    expect(isSameDatabase(own, stranger)).toBe(true);
    expect(isSameDatabase(own, await withoutSystem(other.url, "set role identity_reader"))).toBe(false);
    const reader = await withoutSystem(control.url, "select 1");
    expect(reader.deployment).toMatch(/^[\da-f-]{36}$/);
    // A standby started at another time.
    const standby = { ...reader, startedAt: "0" };
    expect(isSameDatabase({ ...own, deployment: reader.deployment }, standby)).toBe(true);
    expect(isSameDatabase(own, { ...standby, deployment: null })).toBe(false);
  });

  it("of the control database is what it said last while it is away", async () => {
    const db = openDb(control.url);
    const isControl = createIsControlDatabase(db);
    const found = await readAs(control.url);
    expect(await isControl(found)).toBe(true);
    await db.destroy();
    expect(await isControl(found)).toBe(true);
  });
});
