import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { EntityPlanPreview } from "../../core/plan-preview.ts";
import { addFound, completeTask } from "../../db/connection-tasks.ts";
import { type Api, createApi, itemsOf, type Json, plannedLoad } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const load = plannedLoad();
const [FIRST, SECOND] = ["0123456789abcdef", "fedcba9876543210"];
const losing = (entityKey: string, confirmation: string): EntityPlanPreview => ({
  entityKey,
  load: { ...load, losses: ["the values of column note"], confirmation },
  failure: null,
});

let planned: EntityPlanPreview[];
beforeEach(() => {
  api.control.checked.length = 0;
  planned = [{ entityKey: "public.orders", load, failure: null }];
  api.control.answerCheck = async () => ({ ok: true, checks: [], entities: [], plan: planned });
});

const plan = async (syncId: string, body?: Json) => api.call("POST", `/syncs/${syncId}/plan`, body);

describe("the plan of a sync", () => {
  it("is what a worker says that a run would do, and makes no run", async () => {
    const sync = await api.createSync();
    const { status, body } = await plan(sync.id);
    const { schema: _, ...told } = load;
    expect([status, body]).toEqual([
      200,
      {
        id: expect.any(String),
        syncId: sync.id,
        runMode: "incremental",
        destructive: false,
        confirmToken: null,
        entities: [{ entityKey: "public.orders", load: { ...told, table: "shop.orders" }, failure: null }],
      },
    ]);
    const question = { syncId: sync.id, runMode: "incremental", entities: ["public.orders"], window: null };
    expect(api.control.checked.at(-1)).toMatchObject({ entities: [], plan: question });
    expect((await api.call("GET", `/syncs/${sync.id}/runs`)).body.total).toBe(0);
  });

  it("is in the audit once, since a worker asks the source for it", async () => {
    const sync = await api.createSync();
    const entries = async () => {
      const { body } = await api.call("GET", `/audit-events?subjectId=${sync.id}`);
      return body.events.filter(({ action }: Json) => action === "sync.plan");
    };
    const { id } = (await plan(sync.id, { runMode: "full_refresh" })).body;
    const after = { planId: id, runMode: "full_refresh" };
    expect(await entries()).toMatchObject([{ actor: "user:local", subjectType: "sync", subjectId: sync.id, after }]);
    expect((await plan(sync.id, { entities: ["public.nope"] })).status).toBe(422);
    expect(await entries()).toHaveLength(1);
  });

  it("asks for what is named: mode, entities, window", async () => {
    const sync = await api.createSync({ entities: ["public.orders", "public.items"] });
    const window = { from: "2026-01-01", to: "2026-02-01" };
    expect((await plan(sync.id, { runMode: "backfill", window, entities: ["public.items"] })).status).toBe(200);
    expect(api.control.checked.at(-1)?.plan).toMatchObject({ runMode: "backfill", window, entities: ["public.items"] });
  });

  it("has one token for all that is lost, and tells what stands in the way of the others", async () => {
    const sync = await api.createSync();
    const failure = { reasonCode: "entity_unknown", message: "The source has no public.items." } as const;
    planned = [losing("a", FIRST), { entityKey: "b", load: null, failure }, losing("c", SECOND)];
    const { body } = await plan(sync.id, { runMode: "full_refresh" });
    expect(body).toMatchObject({ destructive: true, confirmToken: `${FIRST}.${SECOND}` });
    expect(body.entities[1]).toEqual({ entityKey: "b", load: null, failure });
  });

  it.each([
    [{ entities: ["public.orders", "public.nope"] }, '["body","entities",1] value_error'],
    [{ entities: [] }, '["body","entities"] too_short'],
    [{ runMode: "backfill" }, '["body","window"] missing'],
    [{ window: { from: "2026-01-01" } }, '["body","window"] value_error'],
    [{ runMode: "backfill", window: { from: "2026-01-02", to: "2026-01-01" } }, '["body","window","to"] value_error'],
    [{ runMode: "verify" }, '["body","runMode"] enum'],
    [{ confirm: true }, '["body","confirm"] extra_forbidden'],
  ])("of %j is 422, and asks no worker", async (body, item) => {
    const sync = await api.createSync();
    const answer = await plan(sync.id, body);
    expect([answer.status, itemsOf(answer)]).toEqual([422, [item]]);
    expect(api.control.checked).toEqual([]);
  });

  it("of a sync with more entities than an answer holds has to name them", async () => {
    const entities = Array.from({ length: 501 }, (_, n) => `public.t${n}`);
    const sync = await api.createSync({ entities });
    const answer = await plan(sync.id);
    expect([answer.status, itemsOf(answer)]).toEqual([422, ['["body","entities"] value_error']]);
    expect((await plan(sync.id, { entities: entities.slice(0, 500) })).status).toBe(200);
  });

  it("is 409 for a sync that is archived or has no entities, and where the connection does not work", async () => {
    const sync = await api.createSync();
    const check = { name: "connect", ok: false, message: "Login refused.", fix: "Correct the password." };
    api.control.answerCheck = async () => ({ ok: false, checks: [check], entities: [] });
    expect((await plan(sync.id)).body).toMatchObject({ code: "connection_failed", checks: [check] });
    await api.call("PATCH", `/syncs/${sync.id}`, { status: "archived" });
    expect((await plan(sync.id)).body.code).toBe("sync_archived");
    const empty = await api.createSync({ entities: [] });
    expect((await plan(empty.id)).body.code).toBe("sync_without_entities");
  });

  it("is 500 where it met a defect, and 504 only where it took too long", async () => {
    const sync = await api.createSync();
    const failed = { ok: false, checks: [], entities: [] };
    for (const [more, told] of [
      [{}, [500, "internal_error"]],
      [{ planTimedOut: true }, [504, "check_timeout"]],
    ] as const) {
      api.control.answerCheck = async () => ({ ...failed, planFailure: "It was brought about.", ...more });
      const { status, body } = await plan(sync.id);
      expect([status, body.code, body.detail]).toEqual([...told, "It was brought about."]);
    }
  });

  it("is 503 while workers are of a version that cannot plan", async () => {
    api.control.answerCheck = async () => ({ ok: true, checks: [], entities: [] });
    const { status, body } = await plan((await api.createSync()).id);
    expect([status, body.code]).toEqual([503, "no_worker"]);
  });
});

describe("what a plan names as lost is confirmed", () => {
  const post = (path: string, token: string, headers: Record<string, string> = {}) =>
    api.send("POST", `/api/v1${path}`, { headers: { "sluice-confirm-plan": token, ...headers } });
  const requestOf = async (runId: string) => (await api.call("GET", `/syncs/runs/${runId}`)).body.request.confirmedPlan;

  it("by the header of a trigger, and of a retry over what was confirmed before; the chain keeps it", async () => {
    const sync = await api.createSync();
    const first = await post(`/syncs/${sync.id}/trigger`, FIRST);
    expect([first.status, await requestOf(first.body.id)]).toEqual([201, FIRST]);
    await api.call("POST", `/syncs/runs/${first.body.id}/cancel`);
    const second = await post(`/syncs/runs/${first.body.id}/retry`, `${FIRST}.${SECOND}`);
    expect(await requestOf(second.body.id)).toBe(`${FIRST}.${SECOND}`);
    await api.call("POST", `/syncs/runs/${second.body.id}/cancel`);
    const third = await api.call("POST", `/syncs/runs/${second.body.id}/retry`);
    expect(await requestOf(third.body.id)).toBe(`${FIRST}.${SECOND}`);
  });

  it.each(["", "yes", FIRST.toUpperCase(), `${FIRST}.`, `${FIRST}${SECOND}`])("never by %j", async (token) => {
    const sync = await api.createSync();
    const answer = await post(`/syncs/${sync.id}/trigger`, token);
    expect(answer.status).toBe(422);
    expect(answer.body.detail[0].loc[0]).toBe("header");
  });

  it("is part of what an Idempotency-Key stands for", async () => {
    const sync = await api.createSync();
    const key = { "idempotency-key": "nightly" };
    const path = `/syncs/${sync.id}/trigger`;
    expect((await post(path, FIRST, key)).status).toBe(201);
    expect((await post(path, FIRST, key)).headers.get("idempotency-replayed")).toBe("true");
    expect((await post(path, SECOND, key)).status).toBe(422);
  });
});

describe("a plan that takes longer than a request", () => {
  const MANY = Array.from({ length: 60 }, (_, n) => `public.t${n}`);

  it("is answered with 202, tells what is found so far, and in the end is the plan", async () => {
    api.control.answerCheck = async () => null;
    const sync = await api.createSync({ entities: MANY });
    const asked = await plan(sync.id, { runMode: "full_refresh" });
    const location = asked.headers.get("location") ?? "";
    expect([asked.status, location]).toEqual([202, `/api/v1/syncs/${sync.id}/plans/${asked.body.id}`]);
    const begun = { status: "running", entities: [], entitiesTotal: 60, confirmToken: null, destructive: null };
    expect(asked.body).toMatchObject({ ...begun, runMode: "full_refresh", syncId: sync.id, completedAt: null });

    const found = losing("public.t0", FIRST);
    await addFound(api.db, asked.body.id, [found]);
    const read = async () => (await api.call("GET", location.replace("/api/v1", ""))).body;
    expect(await read()).toMatchObject({
      status: "running",
      entities: [{ entityKey: "public.t0" }],
      destructive: null,
    });

    await completeTask(api.db, asked.body.id, { ok: true, checks: [], entities: [], plan: [found] });
    const made = { status: "succeeded", destructive: true, confirmToken: FIRST, error: null };
    expect(await read()).toMatchObject({ ...made, completedAt: expect.any(String) });
  });

  it("is the same plan when the request is repeated with its Idempotency-Key", async () => {
    api.control.answerCheck = async () => null;
    const sync = await api.createSync({ entities: MANY });
    const post = () => api.send("POST", `/api/v1/syncs/${sync.id}/plan`, { headers: { "idempotency-key": "once" } });
    const [first, second] = [await post(), await post()];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(api.control.checked).toHaveLength(1);
  });

  it("that fails says why, and is not told of under another sync", async () => {
    api.control.answerCheck = async () => null;
    const sync = await api.createSync({ entities: MANY });
    const { body } = await plan(sync.id);
    await completeTask(api.db, body.id, { ok: false, checks: [], entities: [], planFailure: "It met a defect." });
    const failed = await api.call("GET", `/syncs/${sync.id}/plans/${body.id}`);
    expect(failed.body).toMatchObject({ status: "failed", error: "It met a defect.", confirmToken: null });
    const other = await api.createSync({ entities: MANY });
    expect((await api.call("GET", `/syncs/${other.id}/plans/${body.id}`)).status).toBe(404);
  });

  it("is 503 where no worker is there to make it", async () => {
    api.control.answerCheck = async () => null;
    api.control.noWorker = new AppError("no_worker", "No worker polls the task queue.");
    const { status, body } = await plan((await api.createSync({ entities: MANY })).id);
    api.control.noWorker = null;
    expect([status, body.code]).toEqual([503, "no_worker"]);
  });
});
