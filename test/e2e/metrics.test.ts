import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeApiKey } from "../../api/api-keys.ts";
import { METRIC_GROUPS, METRICS, type MetricName } from "../../core/metrics.ts";
import { queueOf } from "../../core/queues.ts";
import { freePort } from "../../scripts/lib/ports.ts";
import { type ApiProcess, launchApi, whenReady } from "../support/api-process.ts";
import { createOrdersSync, seedOrders, whileLocked } from "../support/orders.ts";
import { type Scraped, scrape } from "../support/prometheus.ts";
import { createWorld, trigger, until, type World, whenEnded, whenRun } from "../support/world.ts";

const ROWS = 2_000;
/** A view that is planned at once, and read as long as the gate is shut. */
const GATED = `
  create function pass_gate() returns int language plpgsql volatile as $$
  begin while not pg_try_advisory_xact_lock_shared(42) loop perform pg_sleep(0.05); end loop; return 1; end $$;
  create view gated as select i as id, pass_gate() as passed from generate_series(1, 3) i`;
const GATE = "select pg_advisory_xact_lock(42)";
const DATA = { queue: queueOf("data") };
/** Every text that must not be in an answer: it is a secret, or there is no end of its values. */
const PRIVATE = (world: World): string[] => [
  ...[world.controlUrl, world.sourceUrl, world.warehouseUrl].map((url) => new URL(url).pathname.slice(1)),
  "orders",
];

describe("/metrics of an API process and of workers", () => {
  let world: World;
  let api: ApiProcess;
  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, ROWS);
    api = await startApi();
  });
  afterEach(async () => {
    await api.stop();
    await world.close();
  });

  async function startApi(env: Record<string, string> = {}): Promise<ApiProcess> {
    const { controlUrl: DATABASE_URL, temporalAddress: TEMPORAL_ADDRESS, namespace: TEMPORAL_NAMESPACE } = world;
    return whenReady(launchApi({ DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, ...env }));
  }

  async function startWorker(env: Record<string, string> = {}): Promise<string> {
    const port = await freePort();
    await world.startWorker({ HEALTH_PORT: String(port), ...env });
    return `http://127.0.0.1:${port}`;
  }

  /** The answer once `test` holds for it: what it is made from is kept for some seconds. */
  const whenScraped = (url: string, test: (scraped: Scraped) => boolean): Promise<Scraped> =>
    until("the metrics", async () => {
      const scraped = await scrape(url);
      return test(scraped) ? scraped : null;
    });

  const createGatedSync = (schema: string) =>
    createOrdersSync(world, {
      ...{ entities: ["public.gated"], destinationConfig: { schema } },
      tableBindings: [{ entityKey: "public.gated", loadMode: "replace" }],
    });

  it("agree with the database and with what was copied", async () => {
    const workers = [
      await startWorker({ MAX_CONCURRENT_ACTIVITIES: "3" }),
      await startWorker({ WORKER_QUEUES: "plans" }),
    ];
    const sync = await createOrdersSync(world);
    const run = await trigger(world, sync.id);
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    const ended = await whenScraped(
      api.url,
      (all) => all.value("sluice_runs_ended_last_hour", { status: "succeeded", reason: "" }) === 1,
    );
    expect(ended.value("sluice_runs", { status: "running" })).toBe(0);
    expect(ended.value("sluice_workers")).toBe(2);
    expect(ended.value("sluice_queue_slots", DATA)).toBe(3);
    expect(ended.value("sluice_queue_slots", { queue: queueOf("plans") })).toBe(32);
    expect(ended.value("sluice_syncs", { status: sync.status })).toBe(1);
    expect(ended.value("sluice_up_database")).toBe(1);
    expect(ended.value("sluice_up_temporal")).toBe(1);

    const told = await Promise.all(workers.map((url) => scrape(url)));
    const [slices] = await world.warehouse("select sum(rows_read)::int as rows from _sluice.slices");
    const sum = (name: MetricName): number => told.reduce((total, each) => total + (each.value(name) ?? 0), 0);
    expect(slices?.rows).toBe(ROWS);
    expect(sum("sluice_rows_read_total")).toBe(ROWS);
    expect(sum("sluice_rows_written_total")).toBe(ROWS);
    expect(sum("sluice_bytes_read_total")).toBeGreaterThan(ROWS);
    for (const { names } of told) {
      expect(names).toEqual(
        expect.arrayContaining(["process_resident_memory_bytes", "temporal_worker_task_slots_used"]),
      );
    }
    for (const { text } of [ended, ...told]) {
      for (const each of [...PRIVATE(world), run.id, sync.id]) expect(text).not.toContain(each);
      expect(text.split("\n").length).toBeLessThan(2_000);
    }
    await world.api("POST", `/syncs/runs/${(await trigger(world, sync.id)).id}/cancel`, {});
    await whenScraped(api.url, (all) => all.value("sluice_runs_ended_last_hour", { status: "cancelled" }) === 1);
  });

  it("tell of the slots and of the slices that wait for one, and between them have every series", async () => {
    await world.source(GATED);
    const [busySync, sync] = [await createGatedSync("busy"), await createGatedSync("behind")];
    const ended = await trigger(world, sync.id);
    await world.api("POST", `/syncs/runs/${ended.id}/cancel`, {});
    const worker = await startWorker({ MAX_CONCURRENT_ACTIVITIES: "1" });
    await whileLocked(world.sourceUrl, GATE, async (release) => {
      const busy = await trigger(world, busySync.id);
      await whenRun(world, busy.id, ({ summary }) => summary.phase === "loading");
      const behind = await trigger(world, sync.id);
      await whenRun(world, behind.id, ({ summary }) => summary.waiting?.reason === "no_free_slot");
      const ofFleet = await whenScraped(
        api.url,
        (all) =>
          all.value("sluice_runs_waiting_for_slot", DATA) === 1 &&
          all.value("sluice_queue_slots_used", DATA) === 1 &&
          all.value("sluice_queue_tasks", DATA) === 1 &&
          (all.value("sluice_queue_oldest_age_seconds", DATA) ?? 0) > 1,
      );
      expect(ofFleet.value("sluice_runs", { status: "running" })).toBe(2);
      expect(ofFleet.value("sluice_run_waiting_for_slot_oldest_age_seconds", DATA)).toBeGreaterThan(5);
      expect(ofFleet.value("sluice_run_oldest_age_seconds", { status: "running" })).toBeGreaterThan(5);
      expect(ofFleet.value("sluice_run_oldest_age_seconds", { status: "pending" })).toBe(0);
      const ofWorker = await scrape(worker);
      expect(ofWorker.value("sluice_worker_slots_used", DATA)).toBe(1);
      expect(ofWorker.value("sluice_worker_slots", DATA)).toBe(1);
      for (const loop of ["dispatch", "reconcile", "beat"]) {
        expect(ofWorker.value("sluice_loop_last_success_timestamp_seconds", { loop }), loop).toBeGreaterThan(1e9);
        expect(ofWorker.value("sluice_loop_failures_total", { loop })).toBe(0);
      }
      const shown = new Set([...ofFleet.names, ...ofWorker.names]);
      expect(Object.keys(METRICS).filter((name) => !shown.has(name))).toEqual([]);
      const both = ofFleet.names.filter((name) => name.startsWith("sluice_") && ofWorker.names.includes(name));
      expect(both.sort()).toEqual(Object.keys(METRIC_GROUPS["each process"]).sort());
      await release();
      for (const { id } of [busy, behind]) expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded" });
    });
  });

  it("say that the control database or Temporal is away, and leave out what is read from there", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    for (const away of ["127.0.0.1:1", `127.0.0.1:${port}`]) {
      const alone = await startApi({ DATABASE_URL: `postgres://sluice:secret@${away}/sluice`, TEMPORAL_ADDRESS: away });
      const scraped = await scrape(alone.url);
      expect(scraped.value("sluice_up_database"), away).toBe(0);
      expect(scraped.value("sluice_up_temporal"), away).toBe(0);
      for (const name of ["sluice_runs", "sluice_workers", "sluice_queue_tasks"] as const) {
        expect(scraped.value(name), `${name} ${away}`).toBeNull();
      }
      expect(scraped.value("sluice_event_loop_delay_seconds", { quantile: "1" })).toBeGreaterThanOrEqual(0);
      expect(scraped.value("sluice_database_pool_size")).toBe(10);
      expect(scraped.text).not.toContain("secret");
      await alone.stop();
    }
    silent.close();
  });

  it("are shown by an API with authentication to those who may read", async () => {
    const reader = makeApiKey("prometheus", "read");
    const guarded = await startApi({ SLUICE_API_KEYS: reader.entry });
    expect((await fetch(`${guarded.url}/metrics`)).status).toBe(401);
    const scraped = await scrape(guarded.url, { "x-api-key": reader.key });
    expect(scraped.value("sluice_build_info", { process: "api" })).toBe(1);
    await guarded.stop();
  });
});
