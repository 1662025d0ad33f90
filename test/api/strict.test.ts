import { expect, it } from "vitest";
import { createApi, type Json } from "./harness.ts";

/** Objects whose keys are data: a source's, a provider's, a person's, or of a version to come. */
const FREE_FORM = [
  // Each provider has settings, secrets and schemas of its own; its `connectionSchema` says which.
  "CatalogResource.configSchema",
  "Connection.config",
  "CreateConnection.config",
  "CreateConnection.secrets",
  "CreateSync.sourceConfig",
  "ProviderCatalog.configSchema",
  "ProviderCatalog.connectionSchema",
  "ProviderCatalog.defaults",
  "RotateSecrets.secrets",
  "Sync.sourceConfig",
  "UpdateConnection.config",
  "UpdateConnection.secrets",
  "UpdateSync.sourceConfig",
  "Worker.queues",
  // Keyed by entity.
  "SetSyncState.entities",
  "CreateSync.destinationConfig.entities",
  "UpdateSync.destinationConfig.entities",
  // Each backend has its own.
  "Run.backendStatus",
  "Run.summary",
  "Sync.destinationConfig",
  "Sync.executionConfig",
  "Sync.schedule",
  // A part of what it is about.
  "AuditEvent.after",
  "AuditEvent.before",
  "RunEvent.data",
  "RunSlice.tables",
];

function openObjects(node: unknown, path: string[]): string[] {
  if (typeof node !== "object" || node === null) return [];
  const here: Json = node;
  const isObject = [here.type].flat().includes("object");
  const inside = Object.entries(here).flatMap(([key, child]) => openObjects(child, [...path, key]));
  return isObject && here.additionalProperties !== false ? [path.join("."), ...inside] : inside;
}

it("every object of the API is closed, but those that are named here: nothing undeclared gets in or out", async () => {
  const api = await createApi();
  const { body: document } = await api.send("GET", "/openapi.json", {});
  await api.close();
  const found = openObjects({ paths: document.paths, schemas: document.components.schemas }, []);
  const names = found.map((path) => path.replace(/^schemas\./, "").replaceAll(".properties.", "."));
  expect(names.sort()).toEqual(FREE_FORM.toSorted());
});

it("every error answer that is not a 422 has the same shape", async () => {
  const api = await createApi();
  const { body: document } = await api.send("GET", "/openapi.json", {});
  await api.close();
  for (const [path, item] of Object.entries<Json>(document.paths)) {
    for (const [method, { responses }] of Object.entries<Json>(item)) {
      for (const [status, response] of Object.entries<Json>(responses)) {
        if (status < "400" || path === "/readyz") continue;
        const shape = status === "422" ? "ValidationError" : "ApiError";
        const { schema } = response.content["application/json"];
        expect(schema, `${method} ${path} ${status}`).toEqual({ $ref: `#/components/schemas/${shape}` });
      }
    }
  }
});
