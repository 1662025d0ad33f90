import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BOOKS } from "../support/shelf-provider.ts";
import { createShelfServer, rowsOf, type ShelfServer } from "../support/shelf-server.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

/** An entity that is made of files: what is committed of them is known by the manifest, and by nothing else. */
describe("files", () => {
  let world: World;
  let worker: WorkerProcess;
  let shelf: ShelfServer;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker({ DEPOT: "1" });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    shelf = await createShelfServer();
    shelf.put("a", ["1", "2", "3"]);
    shelf.put("b/c", ["4"]);
    shelf.put("d", ["5", "6"]);
    shelf.put("empty", []);
  });
  afterEach(() => shelf.close());

  async function createSync(config: Row = {}, loadMode = "upsert", executionConfig: Row = {}): Promise<Row> {
    const { body } = await world.api("POST", "/connections", {
      ...{ name: `shelf ${randomUUID()}`, provider: "mlflow", config: { baseUrl: shelf.baseUrl, ...config } },
    });
    return world.createSync({
      ...{ connectionId: body.id, entities: [BOOKS], tableBindings: [{ entityKey: BOOKS, loadMode }] },
      destinationConfig: { schema: `s${randomUUID().slice(0, 8)}` },
      executionConfig: { heartbeatTimeoutSeconds: 5, maxAutoResumeAttempts: 0, ...executionConfig },
    } as Parameters<World["createSync"]>[0]);
  }
  const run = async (sync: Row, body: Row = {}): Promise<Row> =>
    whenChainEnded(world, (await trigger(world, sync.id, body)).id);
  const rows = async (sync: Row, where = "true"): Promise<string[]> => {
    const found = await world.warehouse(
      `select _file_id || ' ' || _file_version || ' ' || note as text from ${tableOf(sync, BOOKS)} where ${where}`,
    );
    return found.map(({ text }) => text).sort();
  };
  const cursors = async (sync: Row): Promise<(string | null)[]> => {
    const states = world.db.selectFrom("cursorStates").select("cursor").where("syncId", "=", sync.id);
    return (await states.orderBy("version").execute()).map(({ cursor }) => cursor);
  };
  const setState = (sync: Row, change: Row) =>
    world.api("PATCH", `/syncs/${sync.id}/state`, { entities: { [BOOKS]: change } });
  /** Starts a run and holds it at a request. @returns what lets it go on */
  async function runUntil(sync: Row, path: string, body: Row = {}): Promise<{ id: string; goOn: () => void }> {
    const held = Promise.withResolvers<void>();
    shelf.requests = [];
    shelf.beforeAnswer = (request) => (request === path ? held.promise : undefined);
    const { id } = await trigger(world, sync.id, body);
    await until(`GET ${path}`, async () => (shelf.requests.includes(path) ? true : null));
    const goOn = () => {
      shelf.beforeAnswer = () => undefined;
      held.resolve();
    };
    return { id, goOn };
  }
  /** Cancels it where it is held. */
  async function cancelAt(sync: Row, path: string, body: Row = {}): Promise<void> {
    const { id, goOn } = await runUntil(sync, path, body);
    await world.api("POST", `/syncs/runs/${id}/cancel`);
    expect(await whenEnded(world, id)).toMatchObject({ status: "cancelled" });
    goOn();
  }
  const change = (): void => {
    shelf.put("a", ["1", "two"]);
    shelf.remove("d");
    shelf.put("e", ["7", "8"]);
  };

  it.each(["rows", "copy", "tables"])(
    "that are new, have changed or are gone are all that a run reads (%s)",
    async (kind) => {
      const sync = await createSync({ kind });
      expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 6 } });
      expect(await rows(sync)).toEqual(rowsOf(shelf));
      const [generation] = await cursors(sync);
      shelf.requests = [];
      expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
      expect(shelf.requests).toEqual(["/"]);
      change();
      const ended = await run(sync);
      expect(ended).toMatchObject({ status: "succeeded", summary: { rowsRead: 4, rowsDeleted: 3 } });
      expect(await rows(sync)).toEqual(rowsOf(shelf));
      expect(await cursors(sync)).toEqual([generation]);
      const { body } = await world.api("GET", `/syncs/runs/${ended.id}/events`);
      expect(body.events.at(-1).data).toMatchObject({ rowsDeleted: 3 });
      // Gone once is gone: nothing is to be done about it again.
      expect(await run(sync)).toMatchObject({ resultReasonCode: "no_new_data", summary: { slices: { total: 0 } } });
    },
  );

  it("of which a large one goes on where its last batch was committed, when the worker is killed", async () => {
    shelf.put(
      "large",
      Array.from({ length: 1_000 }, (_, index) => `n${index}`),
    );
    const sync = await createSync({ kind: "copy", sliceFiles: 9 }, "upsert", { batchRows: 300 });
    const held = Promise.withResolvers<void>();
    let asked = 0;
    shelf.beforeAnswer = (path) => {
      if (path !== "/large") return;
      asked += 1;
      return asked === 3 ? held.promise : undefined;
    };
    const { id } = await trigger(world, sync.id);
    await until("the third batch", async () => (asked === 3 ? true : null));
    await worker.kill();
    const marks = () =>
      world.warehouse("select rows::int, status from _sluice.files where sync_id = $1 and file_id = 'large'", [
        sync.id,
      ]);
    expect(await marks()).toEqual([{ rows: 600, status: "loading" }]);
    held.resolve();
    worker = await world.startWorker({ DEPOT: "1" });
    expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", summary: { rowsRead: 1_006 } });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
    expect(await marks()).toEqual([{ rows: 1_000, status: "loaded" }]);
    expect(asked).toBe(5);
  });

  it("change between plan and slices, where the worker dies too: the run reads what is there, the next one the rest", async () => {
    const sync = await createSync();
    await worker.kill();
    const dying = await world.startWorker({ DEPOT: "1" }, "plan.after");
    const { id } = await trigger(world, sync.id);
    await dying.gone;
    change();
    worker = await world.startWorker({ DEPOT: "1" });
    expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", summary: { rowsRead: 3 } });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 2 } });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
  });

  it("that a full load has read beside the table are not skipped when it dies, and are when it is done", async () => {
    const sync = await createSync({ sliceFiles: 1 }, "upsert", { maxConcurrency: 1 });
    await run(sync);
    const [generation] = await cursors(sync);
    change();
    await cancelAt(sync, "/empty", { runMode: "full_refresh" });
    expect(shelf.requests).toContain("/a");
    shelf.requests = [];
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 4 } });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
    expect(await cursors(sync)).toEqual([generation]);
    const full = await run(sync, { runMode: "full_refresh" });
    expect(await cursors(sync)).toEqual([generation, full.planId ?? full.id]);
    expect(await run(sync)).toMatchObject({ resultReasonCode: "no_new_data" });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
  });

  it.each([
    ["upsert", "true", "false"],
    ["upsert_soft_delete", "_deleted_at is null", "_deleted_at is not null"],
    ["scd2", "_is_current", "not _is_current"],
  ])(
    "are all read again after a reset, and rows of those that went meanwhile go (%s)",
    async (loadMode, present, gone) => {
      const sync = await createSync({ kind: "copy" }, loadMode);
      await run(sync);
      change();
      expect((await setState(sync, { cursor: null })).status).toBe(200);
      const again = await run(sync);
      expect(again).toMatchObject({ status: "succeeded" });
      expect(await rows(sync, present)).toEqual(rowsOf(shelf));
      expect((await rows(sync, gone)).filter((text) => text.startsWith("d "))).toHaveLength(
        loadMode === "upsert" ? 0 : 2,
      );
      if (loadMode === "upsert")
        expect(again.summary.warnings).toEqual([
          { entityKey: BOOKS, message: expect.stringMatching(/its state was reset/) },
        ]);
      shelf.remove("a");
      expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 0, rowsDeleted: 2 } });
      expect(await rows(sync, present)).toEqual(rowsOf(shelf));
    },
  );

  it("whose first load died are told from those that were there then", async () => {
    const sync = await createSync({ sliceFiles: 1 }, "upsert", { maxConcurrency: 1 });
    await cancelAt(sync, "/empty");
    expect(await rows(sync)).not.toEqual([]);
    change();
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
  });

  it("of a state that says nothing of the table are all read again, and the run says so", async () => {
    const sync = await createSync();
    await run(sync);
    shelf.remove("d");
    expect((await setState(sync, { cursor: "somebody's words" })).status).toBe(200);
    const again = await run(sync);
    expect(again).toMatchObject({ status: "succeeded", summary: { rowsRead: 4 } });
    expect(again.summary.warnings[0].message).toMatch(/nothing says which files are in its table/);
    expect(await rows(sync)).toEqual(rowsOf(shelf));
  });

  it("whose table was dropped are refused with a way out; one that was made anew half-way is filled", async () => {
    const sync = await createSync({ sliceFiles: 1 }, "upsert", { maxConcurrency: 1 });
    await run(sync);
    await world.warehouse(`drop table ${tableOf(sync, BOOKS)}`);
    const refused = await run(sync);
    expect(refused.summary.entities[BOOKS].error).toMatch(/full_refresh/);
    await cancelAt(sync, "/empty", { runMode: "full_refresh" });
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
  });

  it("of a run that dies before its versions are made are read again", async () => {
    const sync = await createSync({ sliceFiles: 1 }, "scd2", { maxConcurrency: 1 });
    await run(sync);
    shelf.put("b/c", ["x"]);
    shelf.put("z", ["y"]);
    await cancelAt(sync, "/z");
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 2 } });
    expect(await rows(sync, "_is_current")).toEqual(rowsOf(shelf));
    expect(await run(sync)).toMatchObject({ resultReasonCode: "no_new_data" });
  });

  it.each(["replace", "delete_insert"])("are all read by every run with %s", async (loadMode) => {
    const sync = await createSync({ kind: "copy" }, loadMode);
    await run(sync);
    change();
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect(await rows(sync)).toEqual(rowsOf(shelf));
  });

  it("keep every version that was read with append_event", async () => {
    const { body } = await world.api("POST", "/connections", {
      ...{ name: `shelf ${randomUUID()}`, provider: "mlflow", config: { baseUrl: shelf.baseUrl } },
    });
    const primaryKeyColumns = ["_file_id", "_file_version", "_row_number"];
    const sync = await world.createSync({
      ...{ connectionId: body.id, entities: [BOOKS] },
      tableBindings: [{ entityKey: BOOKS, loadMode: "append_event", primaryKeyColumns }],
      destinationConfig: { schema: `s${randomUUID().slice(0, 8)}` },
    });
    await run(sync);
    const before = await rows(sync);
    change();
    await run(sync);
    await setState(sync, { cursor: null });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 0 } });
    expect(await rows(sync)).toEqual([...new Set([...before, ...rowsOf(shelf)])].sort());
  });

  it("are previewed by their manifest, and have no window and nothing to be compared by", async () => {
    const sync = await createSync();
    await run(sync);
    const [generation] = await cursors(sync);
    const preview = await world.api("POST", `/syncs/${sync.id}/plan`, {});
    expect(preview.body.entities[0].load).toMatchObject({
      ...{ scan: "incremental", cursor: { from: generation, to: generation }, slices: { count: 0 } },
    });
    const full = await world.api("POST", `/syncs/${sync.id}/plan`, { runMode: "full_refresh" });
    expect(full.body.entities[0].load).toMatchObject({ scan: "full", cursor: { from: null }, slices: { count: 2 } });
    const asked = await world.api("POST", `/syncs/${sync.id}/backfills`, { window: { from: "2026-01-01" } });
    expect([asked.status, JSON.stringify(asked.body)]).toEqual([422, expect.stringContaining("no cursor")]);
    expect((await world.api("POST", `/syncs/${sync.id}/trigger`, { runMode: "verify" })).status).toBe(422);
  });
});
