import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Api, createApi, type Json } from "./harness.ts";

/** Secrets that a connection's config names by itself: http_api's. */
describe("secrets that a config names", () => {
  let api: Api;
  beforeAll(async () => {
    api = await createApi();
  });
  afterAll(() => api.close());

  const apiOf = (auth: object): Json => ({
    name: "api",
    provider: "http_api",
    config: { baseUrl: "https://api.test", auth, resources: [{ name: "orders", path: "orders" }] },
  });
  const bearer = { type: "bearer", tokenSecret: "token" };
  const itemsOf = ({ status, body }: Answer): string[] =>
    [String(status)].concat((body.detail ?? []).map((item: Json) => `${JSON.stringify(item.loc)} ${item.type}`));

  it("are needed, and no others are taken", async () => {
    const refused = await api.call("POST", "/connections", { ...apiOf(bearer), secrets: { password: "x" } });
    expect(itemsOf(refused)).toEqual([
      "422",
      '["body","secrets","token"] missing',
      '["body","secrets","password"] extra_forbidden',
    ]);
    const made = await api.call("POST", "/connections", { ...apiOf(bearer), secrets: { token: "x" } });
    expect(made).toMatchObject({ status: 201, body: { secretKeys: ["token"] } });
  });

  it("are needed as soon as an edit of the config names them", async () => {
    const { body } = await api.call("POST", "/connections", apiOf({ type: "none" }));
    const patch = { config: apiOf(bearer).config };
    expect(itemsOf(await api.call("PATCH", `/connections/${body.id}`, patch))).toEqual([
      "422",
      '["body","secrets","token"] missing',
    ]);
    const edited = await api.call("PATCH", `/connections/${body.id}`, { ...patch, secrets: { token: "x" } });
    expect(edited).toMatchObject({ status: 200, body: { secretKeys: ["token"] } });
  });

  const ADDRESS_EDITS: [what: string, edit: Json, field: string][] = [
    ["baseUrl", { baseUrl: "https://evil.test" }, "config.baseUrl"],
    ["the port of baseUrl", { baseUrl: "https://api.test:8443" }, "config.baseUrl"],
    ["the scheme of baseUrl", { baseUrl: "http://api.test" }, "config.baseUrl"],
    ["allowedHosts", { allowedHosts: ["evil.test"] }, "config.allowedHosts"],
    ["tlsRootCert", { tlsRootCert: "-----BEGIN CERTIFICATE-----" }, "config.tlsRootCert"],
    ["the kind of auth", { auth: { type: "api_key", in: "query", name: "key", keySecret: "token" } }, "config.auth"],
    [
      "a token URL",
      {
        auth: {
          type: "oauth2_client_credentials",
          tokenUrl: "https://evil.test/token",
          clientId: "x",
          clientSecretSecret: "token",
        },
      },
      "config.auth",
    ],
    [
      "a login URL",
      {
        auth: {
          type: "session_login",
          url: "https://evil.test/login",
          bodySecrets: { password: "token" },
          tokenPath: "token",
        },
      },
      "config.auth",
    ],
  ];

  it.each(ADDRESS_EDITS)(
    "do not follow an edit of %s: they are given again, or nothing changes",
    async (_, edit, field) => {
      const { body: made } = await api.call("POST", "/connections", { ...apiOf(bearer), secrets: { token: "old" } });
      const config = { ...apiOf(bearer).config, ...edit };
      const refused = await api.call("PATCH", `/connections/${made.id}`, { config });
      expect(itemsOf(refused)).toEqual(["422", '["body","secrets","token"] missing']);
      expect(refused.body.detail[0].msg).toBe(
        `Give token again: the edit changes ${field}, so that the stored one would be sent elsewhere`,
      );
      expect((await api.call("GET", `/connections/${made.id}`)).body.config).toEqual(made.config);
      const given = await api.call("PATCH", `/connections/${made.id}`, { config, secrets: { token: "new" } });
      expect(given.status, JSON.stringify(given.body)).toBe(200);
    },
  );

  it("do not follow an address in two steps, by way of a config that names none", async () => {
    const { body: made } = await api.call("POST", "/connections", { ...apiOf(bearer), secrets: { token: "old" } });
    const elsewhere = (auth: object) => ({ config: { ...apiOf(auth).config, baseUrl: "https://evil.test" } });
    expect((await api.call("PATCH", `/connections/${made.id}`, elsewhere({ type: "none" }))).status).toBe(200);
    const refused = await api.call("PATCH", `/connections/${made.id}`, elsewhere(bearer));
    expect(itemsOf(refused)).toEqual(["422", '["body","secrets","token"] missing']);
  });

  it("stay for an edit that leaves alone where they go", async () => {
    const { body: made } = await api.call("POST", "/connections", { ...apiOf(bearer), secrets: { token: "old" } });
    const config = { ...apiOf(bearer).config, timeoutMs: 5_000, resources: [{ name: "refunds", path: "refunds" }] };
    expect((await api.call("PATCH", `/connections/${made.id}`, { config })).status).toBe(200);
  });

  const database = { host: "db.test", port: 5432, database: "shop", user: "sluice", sslMode: "verify-full" };
  it.each<Json>([
    { host: "evil.test" },
    { port: 5433 },
    { database: "postgres" },
    { user: "postgres" },
    { sslMode: "disable" },
    { sslMode: "require" },
    { sslRootCert: "-----BEGIN CERTIFICATE-----" },
  ])("of a database do not follow %j", async (edit) => {
    const { body: made } = await api.call("POST", "/connections", {
      ...{ name: "db", provider: "postgres", config: database, secrets: { password: "old" } },
    });
    const config = { ...database, ...edit };
    const refused = await api.call("PATCH", `/connections/${made.id}`, { config });
    expect(itemsOf(refused)).toEqual(["422", '["body","secrets","password"] missing']);
    const given = await api.call("PATCH", `/connections/${made.id}`, { config, secrets: { password: "new" } });
    expect(given.status, JSON.stringify(given.body)).toBe(200);
  });

  it("of which one is optional are all given again, or given up by null", async () => {
    const { body: made } = await api.call("POST", "/connections", {
      ...{ name: "shop", provider: "redo", config: { domain: "a.example" } },
      secrets: { token: "one", webhookKey: "two" },
    });
    const edit = { config: { domain: "b.example" }, secrets: { token: "three" } };
    expect(itemsOf(await api.call("PATCH", `/connections/${made.id}`, edit))).toEqual([
      "422",
      '["body","secrets","webhookKey"] missing',
    ]);
    const secrets = { token: "three", webhookKey: null };
    expect(await api.call("PATCH", `/connections/${made.id}`, { ...edit, secrets })).toMatchObject({
      status: 200,
      body: { secretKeys: ["token"] },
    });
  });

  it("stand in the config by name only: a value there has no place", async () => {
    const refused = await api.call("POST", "/connections", apiOf({ type: "bearer", token: "s3cret" }));
    expect(itemsOf(refused)).toEqual([
      "422",
      '["body","config","auth","tokenSecret"] missing',
      '["body","config","auth","token"] extra_forbidden',
    ]);
    expect(JSON.stringify(refused.body)).not.toContain("s3cret");
  });

  it("what one resource gets wrong is said where it stands", async () => {
    const config = {
      ...apiOf({ type: "none" }).config,
      resources: [{ name: "orders", path: "orders", loadMode: "upsert" }],
    };
    const refused = await api.call("POST", "/connections", { ...apiOf({ type: "none" }), config });
    expect(itemsOf(refused)).toEqual(["422", '["body","config","resources",0,"primaryKey"] value_error']);
  });

  it("the catalog describes the config as JSON Schema", async () => {
    const { status, body } = await api.call("GET", "/syncs/providers/http_api/catalog");
    expect(status).toBe(200);
    expect(body).toMatchObject({ dynamicResources: true, defaults: { resources: {} }, resources: [] });
    expect(body.connectionSchema.required).toEqual(["baseUrl", "resources"]);
    expect(body.connectionSchema.properties.auth.oneOf.length).toBeGreaterThan(7);
  });
});
