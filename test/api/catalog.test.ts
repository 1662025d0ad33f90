import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

describe("a provider's catalog", () => {
  it("is its declaration", async () => {
    const { status, body } = await api.call("GET", "/syncs/providers/redo/catalog");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      availableResources: ["orders", "refunds", "sessions"],
      defaultResources: ["orders", "refunds"],
      defaults: { sinceYear: 2020, resources: {} },
      displayName: "Shop",
      dynamicResources: false,
      name: "redo",
      provider: "redo",
    });
    expect(body.configSchema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { sinceYear: { type: "integer", minimum: 2000, default: 2020 } },
      additionalProperties: false,
    });
    expect(body.resources[1]).toEqual({
      childOf: null,
      columns: null,
      primaryKey: null,
      configSchema: {},
      cursorField: "updated_at",
      defaultSelected: true,
      dependsOn: ["orders"],
      description: "All refunds.",
      displayName: "refunds",
      entityKey: "refunds",
      loadMode: "append_event",
      sizeClass: "m",
      slicing: { by: "time", column: "updated_at", defaultWindow: "P1D" },
      storageDescription: "One row each.",
      storageKind: "postgres",
    });
  });

  it("describes a connection, its secrets as fields that are only written", async () => {
    const { body } = await api.call("GET", "/syncs/providers/redo/catalog");
    expect(body.connectionSchema).toMatchObject({
      type: "object",
      properties: {
        domain: { type: "string" },
        token: { type: "string", writeOnly: true, description: "Access token." },
        webhookKey: { type: "string", writeOnly: true },
      },
      required: ["domain", "token"],
      additionalProperties: false,
    });
  });

  it("of Postgres says that resources are found by discovery", async () => {
    const { body } = await api.call("GET", "/syncs/providers/postgres/catalog");
    expect(body).toMatchObject({ dynamicResources: true, resources: [], defaults: {} });
    expect(body.connectionSchema.properties.password).toMatchObject({ writeOnly: true });
  });

  it("without a connector is 404 provider_not_available", async () => {
    const { status, body } = await api.call("GET", "/syncs/providers/salesforce/catalog");
    expect([status, body.code]).toEqual([404, "provider_not_available"]);
  });
});
