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
