import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SecretsInUse } from "../../activities/renew-credentials.ts";
import { createRenewals } from "../../activities/renewals.ts";
import { createSharedConnection, personAsks, planAsks, sliceAsks } from "../../activities/shared-connection.ts";
import type { Db } from "../../db/client.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import { deleteConnection, insertConnection, updateConnection } from "../../db/connections.ts";
import { takeRenewal } from "../../db/renewals.ts";
import { beginRotation } from "../../db/rotations.ts";
import { createKeyring, sealSecrets } from "../../db/secrets.ts";
import type { Credentials, SharedConnection } from "../../providers/provider.ts";
import { getConnection } from "../support/connections.ts";
import { createFaultProxy } from "../support/fault-proxy.ts";
import { createControlDatabase, openDb, type TestDatabase } from "../support/postgres.ts";

const keyring = createKeyring(`k1:${randomBytes(32).toString("base64")}`);
let database: TestDatabase;
/** Pools of two worker processes. */
let pools: Db[];
let db: Db;
let id: string;

beforeAll(async () => {
  database = await createControlDatabase();
  db = openDb(database.url);
  pools = [openDb(database.url), openDb(database.url)];
});
beforeEach(async () => {
  id = randomUUID();
  await insertConnection(db, {
    id,
    name: "api",
    provider: "http_api",
    config: JSON.stringify({ baseUrl: "https://a.example" }),
    secrets: JSON.stringify(sealSecrets(keyring, id, { refreshToken: "r1", clientSecret: "c1" })),
    taskQueue: "sluice",
    status: "ok",
    checks: "[]",
    createdBy: "user:a",
    updatedBy: "user:a",
  });
});
afterAll(async () => {
  for (const each of [db, ...pools]) await each.destroy();
  await database.drop();
});

/** One worker process; each call gives the shared connection of one of its activities. */
function createProcess(pool: Db) {
  const deps = { db: pool, keyring, renewals: createRenewals() };
  return (
    options: { use?: SecretsInUse; signal?: AbortSignal; admit?: (now: ConnectionRow) => void } = {},
  ): SharedConnection => {
    const { use = "present", signal = new AbortController().signal, admit = () => undefined } = options;
    return createSharedConnection(deps, id, { use, signal, admit, asker: personAsks(Date.now() + 5_000) });
  };
}

/** A source that gives each refresh token one time, and what it was asked. */
function createSource(answerAfterMs = 0) {
  const asked: Credentials[] = [];
  let atWork = 0;
  let most = 0;
  return {
    asked,
    most: () => most,
    atWork: () => atWork,
    async renew(now: Credentials): Promise<Partial<Credentials>> {
      asked.push(now);
      most = Math.max(most, ++atWork);
      await sleep(answerAfterMs);
      atWork--;
      return { secrets: { refreshToken: `r${asked.length + 1}` }, tokens: { accessToken: `a${asked.length}` } };
    },
  };
}

const stored = () => getConnection({ db, keyring }, id);

describe("tokens of a connection", () => {
  it("are sealed as another kind than secrets: put in a secret's place, one does not open", async () => {
    const shared = createProcess(db)();
    expect(await shared.readTokens()).toEqual({});
    const renewed = await shared.renew(createSource().renew);
    expect(renewed).toEqual({ secrets: { refreshToken: "r2", clientSecret: "c1" }, tokens: { accessToken: "a1" } });
    expect(await shared.readTokens()).toEqual({ accessToken: "a1" });
    const row = await db.selectFrom("connections").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toMatch(/"a1"|"r2"/);
    await db
      .updateTable("connections")
      .set({ secrets: JSON.stringify({ accessToken: row.tokens.accessToken }) })
      .where("id", "=", id)
      .execute();
    await expect(stored()).rejects.toMatchObject({ reasonCode: "secret_unreadable" });
  });

  it("are neither read nor renewed by whom the secrets of now are not for", async () => {
    const source = createSource();
    const refuse = () => {
      throw new Error("another address");
    };
    const shared = createProcess(db)({ admit: refuse });
    await expect(shared.readTokens()).rejects.toThrow("another address");
    await expect(shared.renew(source.renew)).rejects.toThrow("another address");
    expect(source.asked).toEqual([]);
    // The turn is the next one's at once.
    expect(await stored()).toMatchObject({ renewalUntil: null });
  });

  it("are renewed without making the connection unchecked, edited, or another's", async () => {
    const before = await stored();
    await createProcess(db)().renew(createSource().renew);
    const { status, updatedAt, updatedBy, settingsVersion } = before;
    expect(await stored()).toMatchObject({ status, updatedAt, updatedBy, settingsVersion, renewalUntil: null });
  });

  it("are renewed once for all activities of all processes, while other queries find a connection of the pool", async () => {
    const source = createSource(3_000);
    const activities = pools.flatMap((pool) => {
      const open = createProcess(pool);
      return Array.from({ length: 16 }, () => open());
    });
    const renewing = Promise.all(
      activities.map((shared) =>
        shared.renew(async (now) => (now.tokens.accessToken === undefined ? source.renew(now) : null)),
      ),
    );
    await expect.poll(() => source.asked.length).toBe(1);
    for (const pool of pools) {
      await pool.selectFrom("deployment").selectAll().execute();
      expect(source.atWork()).toBe(1);
    }
    expect(new Set((await renewing).map(({ tokens }) => tokens.accessToken))).toEqual(new Set(["a1"]));
    expect(source.asked).toHaveLength(1);
  });

  it("are renewed by one at a time, each with what the one before has stored", async () => {
    const source = createSource(20);
    const [one, two] = pools.map((pool) => createProcess(pool)());
    await Promise.all([one, two, one, two].map((shared) => shared?.renew(source.renew)));
    expect(source.most()).toBe(1);
    expect(source.asked.map(({ secrets }) => secrets.refreshToken)).toEqual(["r1", "r2", "r3", "r4"]);
    expect(await stored()).toMatchObject({ secrets: { refreshToken: "r5" }, tokens: { accessToken: "a4" } });
  });

  it("whose renewal fails leave the turn to the next one at once", async () => {
    const shared = createProcess(db)();
    const failing = shared.renew(() => Promise.reject(new Error("the token endpoint is down")));
    const next = shared.renew(createSource().renew);
    await expect(failing).rejects.toThrow("the token endpoint is down");
    expect(await next).toMatchObject({ tokens: { accessToken: "a1" } });
  });

  it("are stored although the activity was cancelled while the source was answering", async () => {
    const cancelled = new AbortController();
    const process = createProcess(db);
    const source = createSource(3_000);
    const renewing = process({ signal: cancelled.signal }).renew(source.renew);
    const waiting = process({ signal: cancelled.signal }).renew(source.renew);
    await expect.poll(() => source.asked.length).toBe(1);
    cancelled.abort(new Error("cancelled"));
    await expect(renewing).rejects.toThrow("cancelled");
    await expect(waiting).rejects.toThrow("cancelled");
    expect(source.atWork()).toBe(1);
    await expect.poll(async () => (await stored()).secrets.refreshToken).toBe("r2");
    await expect.poll(async () => (await stored()).renewalUntil).toBeNull();
    expect(source.asked).toHaveLength(1);
  });

  it("are stored although the control database was away when the source answered", async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await createFaultProxy({ targetHost: hostname, targetPort: Number(port) });
    const url = new URL(database.url);
    url.port = String(proxy.port);
    url.hostname = "127.0.0.1";
    const behind = openDb(url.href);
    try {
      const source = createSource();
      const renewed = createProcess(behind)().renew(async (now) => {
        proxy.refuse();
        setTimeout(() => proxy.heal(), 700);
        return source.renew(now);
      });
      expect(await renewed).toMatchObject({ secrets: { refreshToken: "r2" } });
      expect(await stored()).toMatchObject({ secrets: { refreshToken: "r2" }, tokens: { accessToken: "a1" } });
    } finally {
      await behind.destroy();
      await proxy.close();
    }
  });

  it("are renewed by another process once the lease of a dead one has run out", async () => {
    const dead = await takeRenewal(db, { connectionId: id, renewalId: randomUUID(), leaseSeconds: 0.6 });
    expect(dead?.id).toBe(id);
    const since = Date.now();
    await createProcess(db)().renew(createSource().renew);
    expect(Date.now() - since).toBeGreaterThan(400);
  });

  it("of a connection that is gone are connection_unusable, and an answer that comes after is dropped", async () => {
    const shared = createProcess(db)();
    const source = createSource();
    const late = shared.renew(async (now) => {
      await deleteConnection(db, id, "user:b");
      return source.renew(now);
    });
    expect(await late).toMatchObject({ tokens: { accessToken: "a1" } });
    const row = await db.selectFrom("connections").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    expect(row).toMatchObject({ secrets: {}, tokens: {} });
    await expect(shared.renew(source.renew)).rejects.toMatchObject({ reasonCode: "connection_unusable" });
    await expect(shared.readTokens()).rejects.toMatchObject({ reasonCode: "connection_unusable" });
  });
});

describe("an edit while tokens are renewed", () => {
  async function renewDuring(edit: () => Promise<unknown>): Promise<void> {
    const source = createSource();
    await createProcess(db)().renew(async (now) => {
      await edit();
      return source.renew(now);
    });
  }

  it("of the config keeps the rotated secret, and no token of the old config", async () => {
    await renewDuring(() => updateConnection(db, id, { config: JSON.stringify({ baseUrl: "https://b.example" }) }));
    expect(await stored()).toMatchObject({
      config: { baseUrl: "https://b.example" },
      secrets: { refreshToken: "r2", clientSecret: "c1" },
      tokens: {},
    });
  });

  it("of another secret keeps both", async () => {
    const given = sealSecrets(keyring, id, { refreshToken: "r1", clientSecret: "c2" });
    await renewDuring(() => updateConnection(db, id, { secrets: JSON.stringify(given) }));
    expect(await stored()).toMatchObject({ secrets: { refreshToken: "r2", clientSecret: "c2" }, tokens: {} });
  });

  it("of the secret that is being rotated counts", async () => {
    const given = sealSecrets(keyring, id, { refreshToken: "by hand", clientSecret: "c1" });
    await renewDuring(() => updateConnection(db, id, { secrets: JSON.stringify(given) }));
    expect(await stored()).toMatchObject({ secrets: { refreshToken: "by hand", clientSecret: "c1" }, tokens: {} });
  });
});

describe("secrets that are being tried", () => {
  beforeEach(async () => {
    await createProcess(db)().renew(async () => ({ tokens: { accessToken: "old" } }));
    const next = sealSecrets(keyring, id, { clientSecret: "c2" });
    await beginRotation(db, { connectionId: id, rotationId: randomUUID() }, next);
  });

  it("do not pass by the tokens of the old ones, and leave those alone", async () => {
    const shared = createProcess(db)({ use: "next" });
    expect(await shared.readTokens()).toEqual({});
    const seen: Credentials[] = [];
    await shared.renew(async (now) => {
      seen.push(now);
      return { tokens: { accessToken: "new" } };
    });
    expect(seen).toEqual([{ secrets: { refreshToken: "r1", clientSecret: "c2" }, tokens: {} }]);
    expect(await shared.readTokens()).toEqual({ accessToken: "new" });
    expect(await stored()).toMatchObject({ tokens: { accessToken: "old" } });
  });

  it("rotate in their own place, and a present one that the source replaced is replaced", async () => {
    await createProcess(db)({ use: "next" }).renew(async () => ({
      secrets: { clientSecret: "c3", refreshToken: "r2" },
    }));
    expect(await stored()).toMatchObject({
      secrets: { refreshToken: "r2", clientSecret: "c1" },
      nextSecrets: { clientSecret: "c3" },
    });
  });
});

describe("the limits of a connection", () => {
  it("let a plan, which has to be made in its slot, come soon where many slices wait", async () => {
    const deps = { db, keyring, renewals: createRenewals() };
    const asks = async (asker: ReturnType<typeof planAsks>) => {
      const options = { use: "present" as const, signal: new AbortController().signal, admit: () => undefined };
      const { reserve } = createSharedConnection(deps, id, { ...options, asker: { ...asker, runId: null } });
      return reserve([{ bucket: "reports", cost: 1, perSecond: 1 / 60, burst: 1 }]);
    };
    for (let sliceNo = 0; sliceNo < 15; sliceNo++) await asks(sliceAsks({ runId: "a", sliceNo }));
    expect((await asks(sliceAsks({ runId: "a", sliceNo: 15 }))).waitMs).toBeGreaterThan(600_000);
    expect((await asks(planAsks("b", { progressTimeoutSeconds: 900 }))).waitMs).toBeLessThan(150_000);
  });

  it("let a plan wait for as long as its sync lets it stand still", () => {
    expect(planAsks("b", { progressTimeoutSeconds: 900 }).patienceSeconds()).toBe(840);
    expect(planAsks("b", { progressTimeoutSeconds: 7_200 }).patienceSeconds()).toBe(7_140);
  });
});
