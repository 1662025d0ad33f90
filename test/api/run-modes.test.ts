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
    const none = await api.createSync({ entities, tableBindings: bindings(["append_snapshot", "append_event"]) });
    expect(await trigger(none, "repair")).toMatchObject({ status: 422, body: { detail: [refusal] } });
    const one = await api.createSync({ entities, tableBindings: bindings(["upsert", "append_event"]) });
    expect(await trigger(one, "repair")).toMatchObject({ status: 201, body: { runMode: "repair" } });
  });
});

describe("a trigger that names entities", () => {
  const entities = ["public.orders", "public.lines"];
  const named = (sync: Json, body: Json) => api.call("POST", `/syncs/${sync.id}/trigger`, body);

  it("admits a run for these and no others, and says so", async () => {
    const sync = await api.createSync({ entities });
    const { status, body } = await named(sync, { entities: ["public.lines"] });
    expect([status, body.runMode, body.request.entities]).toEqual([201, "incremental", ["public.lines"]]);
    const { body: read } = await api.call("GET", `/syncs/runs/${body.id}`);
    expect(read.request.entities).toEqual(["public.lines"]);
    const { body: audit } = await api.call("GET", `/audit-events?subjectType=run&subjectId=${body.id}`);
    expect(audit.events).toMatchObject([{ action: "run.trigger", after: { request: { entities: ["public.lines"] } } }]);
  });

  it.each([
    ["none", [], [["body", "entities"]]],
    ["one that the sync does not have", ["public.lines", "public.nowhere"], [["body", "entities", 1]]],
    [
      "one that differs only by case or space",
      ["public.Lines", "public.lines "],
      [
        ["body", "entities", 0],
        ["body", "entities", 1],
      ],
    ],
    ["one twice", ["public.lines", "public.lines"], [["body", "entities", 1]]],
    ["one without a name", [""], [["body", "entities", 0]]],
    ["something else than a list", "public.lines", [["body", "entities"]]],
    ["null", null, [["body", "entities"]]],
  ])("is refused where it names %s", async (_, given, locs) => {
    const sync = await api.createSync({ entities });
    const { status, body } = await named(sync, { entities: given });
    expect([status, body.detail.map(({ loc }: Json) => loc)]).toEqual([422, locs]);
  });

  it("may name those that a comparison knows, and is refused for each that it does not", async () => {
    const sync = await api.createSync({
      entities,
      tableBindings: [{ entityKey: "public.orders", loadMode: "append_event" }],
    });
    const refused = await named(sync, { runMode: "verify", entities });
    expect([refused.status, refused.body.detail.map(({ loc }: Json) => loc)]).toEqual([422, [["body", "entities", 0]]]);
    const admitted = await named(sync, { runMode: "verify", entities: ["public.lines"] });
    expect(admitted).toMatchObject({ status: 201, body: { request: { entities: ["public.lines"] } } });
  });
});
