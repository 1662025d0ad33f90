import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { findProvider } from "../../../providers/index.ts";
import type { EntityPlan, Source } from "../../../providers/provider.ts";
import { createFaultProxy, type FaultProxy } from "../../support/fault-proxy.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

describe("a Postgres source that fails", () => {
  let source: PostgresSource;
  let proxy: FaultProxy;
  let plan: EntityPlan;

  beforeAll(async () => {
    source = await createPostgresSource(`
      create table wide as select n as id, repeat(md5(n::text), 100) as note from generate_series(1, 5000) n;
      alter table wide add primary key (id)`);
    proxy = await createFaultProxy({ targetPort: Number(source.config.port) });
    plan = await source.plan({ entityKey: "public.wide", keyColumns: ["id"] });
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await proxy.close();
    await source.close();
  });

  const throughProxy = <T>(work: (opened: Source) => Promise<T>, signal?: AbortSignal) =>
    source.use(work, { config: { port: proxy.port }, ...(signal === undefined ? {} : { signal }) });

  /** Consumes batches until the end. @returns how many there were */
  async function readTo(opened: Source, onBatch: () => Promise<unknown> = async () => undefined, batchRows = 1_000) {
    let count = 0;
    const request = { spec: plan.spec, window: { by: "none" as const }, checkpoint: null };
    for await (const batch of opened.read({ ...request, batchRows, batchBytes: 2 ** 30 })) {
      count += 1;
      await onBatch();
      if (batch.kind === "copy") for await (const _ of batch.stream);
    }
    return count;
  }

  const ourStatements = () =>
    source.sql<{ pid: number; query: string }>(
      "select pid, query from pg_stat_activity where usename = $1 and state = 'active'",
      [source.config.user],
    );

  it("is unavailable when the socket closes half-way, and the same source goes on afterwards", async () => {
    await throughProxy(async (opened) => {
      proxy.cut(1_000_000);
      await expect(readTo(opened)).rejects.toMatchObject({
        name: "TransientError",
        reasonCode: "source_unavailable",
        message: expect.stringContaining("read of public.wide"),
      });
      proxy.heal();
      expect(await readTo(opened)).toBe(5);
    });
  });

  it("is unavailable when it refuses connections", async () => {
    proxy.refuse();
    await expect(throughProxy((opened) => opened.discover(null))).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_unavailable",
    });
  });

  it("is unavailable when its session is terminated in the middle of a batch", async () => {
    await source.use(async (opened) => {
      const terminate = () =>
        source.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [source.config.user]);
      const reading = readTo(opened, terminate, 10_000);
      await expect(reading).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_unavailable" });
    });
  });

  it("does not answer within connectTimeoutSeconds: unavailable, not for ever", async () => {
    proxy.stall();
    const startedAt = Date.now();
    const discovering = source.use((opened) => opened.discover(null), {
      config: { port: proxy.port, connectTimeoutSeconds: 1 },
    });
    await expect(discovering).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_unavailable" });
    expect(Date.now() - startedAt).toBeLessThan(15_000);
  });

  it("refuses a login without a password", async () => {
    const provider = findProvider("postgres");
    const opened = await provider?.connect({
      config: provider.connectionSchema.parse(source.config),
      secrets: {},
      sourceConfig: {},
      signal: new AbortController().signal,
      redactor: createRedactor(),
      shared: createSharedConnection(),
      egress: LOOPBACK_EGRESS,
    });
    await expect(opened?.discover(null)).rejects.toMatchObject({ reasonCode: "source_auth_failed" });
    await opened?.close();
  });

  it("times out when a statement takes longer than the connection allows", async () => {
    await source.sql("create view slow as select pg_sleep(30)::text as slept");
    const slow = await source.plan({ entityKey: "public.slow" });
    const reading = source.use(
      async (opened) => {
        const request = { spec: slow.spec, window: { by: "none" as const }, checkpoint: null };
        for await (const batch of opened.read({ ...request, batchRows: 10, batchBytes: 1_000 })) {
          if (batch.kind === "copy") for await (const _ of batch.stream);
        }
      },
      { config: { statementTimeoutSeconds: 1 } },
    );
    await expect(reading).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_timeout" });
  });

  it("times out when a table stays locked", async () => {
    await source.sql("create table locked (id int primary key); insert into locked values (1)");
    const locked = await source.plan({ entityKey: "public.locked", keyColumns: ["id"] });
    const ended = source.sql("begin; lock table locked; select pg_sleep(12); commit");
    await expect(source.readAll(locked)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_timeout",
    });
    await ended;
  });

  it("is told to stop when a read is aborted: no statement goes on at the server", async () => {
    const controller = new AbortController();
    const sleeping = await source.plan({ entityKey: "public.slow" });
    const reading = source.use(
      async (opened) => {
        const request = { spec: sleeping.spec, window: { by: "none" as const }, checkpoint: null };
        for await (const batch of opened.read({ ...request, batchRows: 10, batchBytes: 1_000 })) {
          if (batch.kind === "copy") for await (const _ of batch.stream);
        }
      },
      { signal: controller.signal },
    );
    const outcome = reading.catch((error: unknown) => error);
    await expect.poll(async () => (await ourStatements()).length).toBe(1);
    const abortedAt = Date.now();
    controller.abort(new Error("cancelled"));
    expect(await outcome).toMatchObject({ message: "cancelled" });
    await expect.poll(async () => (await ourStatements()).length).toBe(0);
    expect(Date.now() - abortedAt).toBeLessThan(10_000);
  });

  it("is left alone when a batch is given up half-way: the next read works", async () => {
    await source.use(async (opened) => {
      const request = { spec: plan.spec, window: { by: "none" as const }, checkpoint: null };
      for await (const batch of opened.read({ ...request, batchRows: 10_000, batchBytes: 2 ** 30 })) {
        if (batch.kind !== "copy") break;
        for await (const _ of batch.stream) break;
        break;
      }
      expect(await readTo(opened)).toBe(5);
    });
  });

  it("is aborted before it begins when the signal is aborted already", async () => {
    const reason = new Error("too late");
    await expect(source.use((opened) => opened.discover(null), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  it("is at work while the server works on our statement, and is not while the server waits for us", async () => {
    await source.use(async (opened) => {
      const request = { spec: plan.spec, window: { by: "none" as const }, checkpoint: null };
      for await (const batch of opened.read({ ...request, batchRows: 10_000, batchBytes: 2 ** 30 })) {
        // Nobody reads the stream: the server fills the buffers and then waits.
        await expect.poll(() => opened.probe()).toBe("none");
        if (batch.kind === "copy") for await (const _ of batch.stream);
      }
      expect(await opened.probe()).toBe("none");
    });
    const controller = new AbortController();
    const sleeping = await source.plan({ entityKey: "public.slow" });
    await source.use(
      async (opened) => {
        const request = { spec: sleeping.spec, window: { by: "none" as const }, checkpoint: null };
        const reading = opened.read({ ...request, batchRows: 10, batchBytes: 1_000 }).next();
        const outcome = reading.catch((error: unknown) => error);
        await expect.poll(() => opened.probe()).toBe("working");
        controller.abort(new Error("enough"));
        await outcome;
      },
      { signal: controller.signal },
    );
  });

  it("is looked at through one session, however many sources have statements open", async () => {
    const sleeping = await source.plan({ entityKey: "public.slow" });
    const controller = new AbortController();
    const { signal } = controller;
    const probed = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const lookers = probed.map(({ resolve }) =>
      source.use(
        async (opened) => {
          const request = { spec: sleeping.spec, window: { by: "none" as const }, checkpoint: null };
          const reading = opened.read({ ...request, batchRows: 10, batchBytes: 1_000 }).next();
          const outcome = reading.catch((error: unknown) => error);
          await expect.poll(() => opened.probe()).toBe("working");
          resolve();
          await outcome;
        },
        { signal },
      ),
    );
    const everybody = Promise.all(lookers);
    const looking = () =>
      source.sql(
        "select from pg_stat_activity where usename = $1 and query like '%asked_pid%' and pid <> pg_backend_pid()",
        [source.config.user],
      );
    await Promise.all(probed.map(({ promise }) => promise));
    expect(await looking()).toHaveLength(1);
    controller.abort(new Error("enough"));
    await everybody;
  });
});
