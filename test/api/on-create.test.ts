import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, type Json } from "./harness.ts";

let api: Api;
let answerCheck: Api["control"]["answerCheck"];
beforeAll(async () => {
  api = await createApi();
  ({ answerCheck } = api.control);
});
afterAll(() => api.close());

const patch = (sync: Json, body: Json) => api.call("PATCH", `/syncs/${sync.id}`, body);
const runsOf = async (sync: Json): Promise<Json[]> => (await api.call("GET", `/syncs/${sync.id}/runs`)).body.runs;
const draft = () => api.createSync({ triggerMode: "on_create" });
const end = (run: Json | undefined) => api.call("POST", `/syncs/runs/${run?.id}/cancel`, {});

describe("a sync with trigger mode on_create", () => {
  it("runs once when it is made active, and is dispatched", async () => {
    const sync = await api.createSync({ triggerMode: "on_create", status: "active" });
    const [run, ...others] = await runsOf(sync);
    expect(run).toMatchObject({
      status: "pending",
      triggeredBy: "on_create",
      runMode: "incremental",
      attemptNumber: 1,
    });
    expect(others).toEqual([]);
    expect(api.control.dispatched).toContain(run?.id);
  });

  it.each([[["active"]], [["paused", "active"]]])("runs at the first activation of a draft: %s", async (statuses) => {
    const sync = await draft();
    expect(await runsOf(sync)).toEqual([]);
    for (const status of statuses) expect((await patch(sync, { status })).status).toBe(200);
    expect(await runsOf(sync)).toMatchObject([{ triggeredBy: "on_create" }]);
  });

  it("never runs again, however often it is paused, archived and made active", async () => {
    const sync = await draft();
    await patch(sync, { status: "active" });
    const [run] = await runsOf(sync);
    await end(run);
    for (const status of ["paused", "active", "archived", "paused", "active"]) {
      expect((await patch(sync, { status })).status).toBe(200);
    }
    expect(await runsOf(sync)).toMatchObject([{ id: run?.id }]);
  });

  it("runs once when many make it active at the same time", async () => {
    const sync = await draft();
    const answers = await Promise.all(Array.from({ length: 8 }, () => patch(sync, { status: "active" })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    const runs = await runsOf(sync);
    expect(runs).toHaveLength(1);
    await end(runs[0]);
    await patch(sync, { status: "active" });
    expect(await runsOf(sync)).toHaveLength(1);
  });

  it("does not run where it was active before it got the mode", async () => {
    const sync = await api.createSync({ status: "active" });
    await patch(sync, { triggerMode: "on_create" });
    await patch(sync, { status: "paused" });
    await patch(sync, { status: "active" });
    expect(await runsOf(sync)).toEqual([]);
  });

  it("runs where the edit that makes it active gives it the mode", async () => {
    const sync = await api.createSync();
    await patch(sync, { triggerMode: "on_create", status: "active" });
    expect(await runsOf(sync)).toMatchObject([{ triggeredBy: "on_create" }]);
  });

  it("does not run at an activation that is refused, and runs at the next one", async () => {
    const sync = await draft();
    api.control.answerCheck = async () => ({ ok: false, checks: [], entities: [] });
    expect((await patch(sync, { status: "active" })).status).toBe(422);
    expect(await runsOf(sync)).toEqual([]);
    api.control.answerCheck = answerCheck;
    await patch(sync, { status: "active" });
    expect(await runsOf(sync)).toMatchObject([{ triggeredBy: "on_create" }]);
  });

  it("has its first run already where somebody has triggered the draft and that run is active", async () => {
    const sync = await draft();
    const { body } = await api.call("POST", `/syncs/${sync.id}/trigger`, {});
    await patch(sync, { status: "active" });
    expect(await runsOf(sync)).toMatchObject([{ id: body.id, triggeredBy: "manual" }]);
  });

  it("tells who has made it active, and runs without Temporal", async () => {
    const { dispatchRun } = api.control;
    api.control.dispatchRun = () => new Promise(() => undefined);
    const sync = await draft();
    await patch(sync, { status: "active" });
    api.control.dispatchRun = dispatchRun;
    const [run] = await runsOf(sync);
    expect(run).toMatchObject({ status: "pending", triggerRef: sync.createdBy });
    const { body } = await api.call("GET", `/audit-events?subjectId=${run?.id}`);
    expect(body.events).toMatchObject([{ action: "run.trigger", actor: sync.createdBy }]);
  });
});
