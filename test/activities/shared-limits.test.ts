import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRenewals } from "../../activities/renewals.ts";
import { createSharedConnection, personAsks } from "../../activities/shared-connection.ts";
import type { ProviderKey } from "../../core/vocabulary.ts";
import type { Db } from "../../db/client.ts";
import { deleteConnection, findLimitsHolder, insertConnection } from "../../db/connections.ts";
import { createKeyring } from "../../db/secrets.ts";
import { findProvider } from "../../providers/index.ts";
import { createControlDatabase, openDb, type TestDatabase } from "../support/postgres.ts";

const keyring = createKeyring(`k1:${randomBytes(32).toString("base64")}`);
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

const APP = { tenantId: "contoso.onmicrosoft.com", clientId: "44444444-4444-4444-4444-44444444abcd" };

async function connect(provider: ProviderKey, config: Record<string, unknown>) {
  const id = randomUUID();
  await insertConnection(db, {
    ...{ id, name: id, provider, config: JSON.stringify(config), secrets: "{}", taskQueue: "sluice" },
    ...{ status: "ok", checks: "[]", createdBy: "user:a", updatedBy: "user:a" },
  });
  return { id, provider, config };
}

const holderOf = (connection: Awaited<ReturnType<typeof connect>>) =>
  findLimitsHolder(db, connection, findProvider(connection.provider)?.limitsSharedBy ?? []);

async function open(connection: Awaited<ReturnType<typeof connect>>) {
  return createSharedConnection({ db, keyring, renewals: createRenewals() }, connection.id, {
    ...{ use: "present", signal: new AbortController().signal, admit: () => undefined },
    ...{ asker: personAsks(Date.now() + 5_000), limitsOf: await holderOf(connection) },
  });
}

/** An hour of the limit. */
const spend = { bucket: "units", cost: 1, perSecond: 1 / 3600, burst: 1 };

describe("connections with the same app", () => {
  it("keep to its limits together: what one spends, blocks and leases is spent, blocked and leased for all", async () => {
    const finance = await connect("msft_sharepoint", {
      ...APP,
      siteUrl: "https://contoso.sharepoint.com/sites/finance",
    });
    const people = await connect("msft_sharepoint", {
      ...{ tenantId: "Contoso.OnMicrosoft.com", clientId: APP.clientId.toUpperCase() },
      siteUrl: "https://contoso.sharepoint.com/sites/people",
    });
    const others = await connect("msft_sharepoint", { ...APP, tenantId: "fabrikam.onmicrosoft.com" });
    const [one, two, three] = [await open(finance), await open(people), await open(others)];
    expect((await one.reserve([spend])).given).toBe(true);
    expect((await two.reserve([spend])).given).toBe(false);
    expect((await three.reserve([spend])).given).toBe(true);

    const other = { ...spend, bucket: "other" };
    await two.block("other", new Date(Date.now() + 3_600_000));
    expect((await one.reserve([other])).given).toBe(false);
    expect((await three.reserve([other])).given).toBe(true);

    const place = { name: "graph", limit: 1, seconds: 60 };
    expect(await one.lease(place)).toBe(true);
    expect(await two.lease(place)).toBe(false);
    await one.release(place);
    expect(await two.lease(place)).toBe(true);
  });

  it("go on with the same limits when the first of them is deleted", async () => {
    const app = { ...APP, clientId: randomUUID() };
    const first = await connect("msft_sharepoint", app);
    const second = await connect("msft_sharepoint", app);
    await deleteConnection(db, first.id, "user:a");
    expect(await holderOf(second)).toBe(first.id);
  });
});

it.each<[ProviderKey, Record<string, unknown>, boolean]>([
  ["shopify", { shop: "a.myshopify.com", auth: { type: "client_credentials", clientId: "app-1" } }, true],
  // Nobody knows whose app a static token is of.
  ["shopify", { shop: "b.myshopify.com", auth: { type: "access_token" } }, false],
  ["http_api", { baseUrl: "https://a.example" }, false],
])("%s connections with the config %j share limits: %s", async (provider, config, isShared) => {
  const first = await connect(provider, config);
  const second = await connect(provider, config);
  expect((await holderOf(second)) === first.id).toBe(isShared);
});
