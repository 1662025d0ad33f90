import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, type Json } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const trigger = (sync: Json, runMode: string) => api.call("POST", `/syncs/${sync.id}/trigger`, { runMode });
const refusal = { loc: ["body", "runMode"], msg: expect.any(String), type: "value_error" };

describe("a run that compares", () => {
  it("is refused where the source cannot be compared where it lies", async () => {
    const { body: connection } = await api.call("POST", "/connections", {
      name: "Shop",
      provider: "redo",
      config: { domain: "a.example" },
      secrets: { token: "secret" },
    });
    const sync = await api.createSync({ connectionId: connection.id, entities: ["orders"] });
    for (const runMode of ["verify", "repair"]) {
      expect(await trigger(sync, runMode)).toMatchObject({ status: 422, body: { detail: [refusal] } });
    }
  });

  it("is refused where no entity's load mode knows it, and admitted where one does", async () => {
    const entities = ["public.orders", "public.events"];
    const bindings = (loadModes: string[]) =>
      loadModes.map((loadMode, i) => ({ entityKey: entities[i], loadMode, primaryKeyColumns: ["id"] }));
    const none = await api.createSync({ entities, tableBindings: bindings(["replace", "append_event"]) });
    expect(await trigger(none, "repair")).toMatchObject({ status: 422, body: { detail: [refusal] } });
    const one = await api.createSync({ entities, tableBindings: bindings(["upsert", "append_event"]) });
    expect(await trigger(one, "repair")).toMatchObject({ status: 201, body: { runMode: "repair" } });
  });
});
