import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadMode } from "../../core/vocabulary.ts";
import { createDice, type Dice } from "../support/random.ts";
import { BOOKS } from "../support/shelf-provider.ts";
import { createShelfServer, rowsOf, type ShelfServer } from "../support/shelf-server.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  type WorkerProcess,
  type World,
  whenChainEnded,
} from "../support/world.ts";

/** `FILES_SEED=7,8 FILES_STEPS=40 FILES_KILLS=20` for others, or long ones. */
const SEEDS = (process.env.FILES_SEED ?? "1").split(",").map(Number);
const STEPS = Number(process.env.FILES_STEPS ?? 5);
const KILLS = Number(process.env.FILES_KILLS ?? 2);
const PATIENCE_MS = 600_000;

interface Subject {
  loadMode: LoadMode;
  kind: "rows" | "copy" | "tables";
  /** Rows that stand for the source's. */
  present: string;
  /** What was read stays. */
  keepsAll?: true;
}

const SUBJECTS: Subject[] = [
  { loadMode: "upsert", kind: "rows", present: "true" },
  { loadMode: "upsert", kind: "copy", present: "true" },
  { loadMode: "upsert_soft_delete", kind: "tables", present: "_deleted_at is null" },
  { loadMode: "scd2", kind: "copy", present: "_is_current" },
  { loadMode: "replace", kind: "copy", present: "true" },
  { loadMode: "append_event", kind: "rows", present: "true", keepsAll: true },
];

describe.each(SEEDS)("random files of seed %i", (seed) => {
  let world: World;
  let worker: WorkerProcess;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker({ DEPOT: "1" });
  });
  afterAll(() => world.close());

  it("are in their tables, whatever happens on the way", { timeout: 2 * PATIENCE_MS }, async () => {
    let isOver = false;
    const all = Promise.all(SUBJECTS.map((subject, n) => live(subject, createDice(seed * 100 + n)))).finally(() => {
      isOver = true;
    });
    await Promise.all([all, killAtRandom(createDice(seed * 100 + 99), () => isOver)]);
  });

  async function killAtRandom(dice: Dice, isOver: () => boolean): Promise<void> {
    for (let kill = 0; kill < KILLS && !isOver(); kill++) {
      await sleep(2_000 + dice.roll(6_000));
      await worker.kill();
      worker = await world.startWorker({ DEPOT: "1" });
    }
  }

  async function live(subject: Subject, dice: Dice): Promise<void> {
    const shelf = await createShelfServer();
    try {
      const sync = await createSync(shelf, subject, dice);
      const ever = new Set<string>();
      const change = () => {
        for (let n = dice.roll(4); n > 0; n--) changeFile(shelf, dice);
        for (const row of rowsOf(shelf)) ever.add(row);
      };
      const told: string[] = [];
      const check = async () => {
        const found = await world.warehouse(
          `select _file_id || ' ' || _file_version || ' ' || note as text from ${tableOf(sync, BOOKS)} where ${subject.present}`,
        );
        const rows = found.map(({ text }) => String(text)).sort();
        const wanted = rowsOf(shelf);
        const context = `${JSON.stringify(subject)} of seed ${seed} after ${told.join(", ")}`;
        if (!subject.keepsAll) return expect(rows, context).toEqual(wanted);
        expect(new Set(rows).size, context).toBe(rows.length);
        expect(
          { lost: wanted.filter((row) => !rows.includes(row)), made: rows.filter((row) => !ever.has(row)) },
          context,
        ).toEqual({ lost: [], made: [] });
      };
      for (let step = 0; step < STEPS; step++) {
        change();
        if (dice.oneIn(5)) {
          told.push("reset");
          await world.api("PATCH", `/syncs/${sync.id}/state`, { entities: { [BOOKS]: { cursor: null } } });
        }
        // A full refresh gives up what was marked, and asks first.
        const mayRefresh = subject.loadMode !== "upsert_soft_delete";
        const runMode = mayRefresh && dice.oneIn(5) ? "full_refresh" : "incremental";
        const moment = dice.roll(6);
        const does = dice.pick(["nothing", "change", "cancel"] as const);
        told.push(`${runMode} with ${does} at ${moment}`);
        const ended = await runWith(sync, shelf, {
          runMode,
          moment,
          act: { nothing: null, change, cancel: "cancel" }[does] as Act,
        });
        const { status, error } = ended;
        const context = `${JSON.stringify(subject)} of seed ${seed} after ${told.join(", ")}`;
        if (status !== "cancelled") expect({ status, error }, context).toEqual({ status: "succeeded", error: null });
        if (ended.status === "succeeded" && does !== "change") await check();
      }
      await runWith(sync, shelf, { runMode: "incremental", moment: 0, act: null });
      await check();
    } finally {
      await shelf.close();
    }
  }

  type Act = (() => void) | "cancel" | null;

  /** @param of.moment the request at which `act` happens */
  async function runWith(
    sync: Row,
    shelf: ShelfServer,
    of: { runMode: "incremental" | "full_refresh"; moment: number; act: Act },
  ) {
    const started = Promise.withResolvers<string>();
    let asked = 0;
    shelf.beforeAnswer = async () => {
      asked += 1;
      if (asked !== of.moment || of.act === null) return;
      if (of.act !== "cancel") return of.act();
      await world.api("POST", `/syncs/runs/${await started.promise}/cancel`);
    };
    const { id } = await trigger(world, sync.id, { runMode: of.runMode });
    started.resolve(id);
    const ended = await whenChainEnded(world, id, PATIENCE_MS);
    shelf.beforeAnswer = () => undefined;
    return ended;
  }

  async function createSync(shelf: ShelfServer, { loadMode, kind, keepsAll }: Subject, dice: Dice): Promise<Row> {
    const config = { baseUrl: shelf.baseUrl, kind, sliceFiles: 1 + dice.roll(3) };
    const { body } = await world.api("POST", "/connections", {
      name: `shelf ${randomUUID()}`,
      provider: "mlflow",
      config,
    });
    const key = keepsAll ? { primaryKeyColumns: ["_file_id", "_file_version", "_row_number"] } : {};
    return world.createSync({
      ...{ connectionId: body.id, entities: [BOOKS], tableBindings: [{ entityKey: BOOKS, loadMode, ...key }] },
      // All files may go.
      destinationConfig: { schema: `s${randomUUID().slice(0, 8)}`, guards: { zeroRows: false } },
      executionMode: dice.pick(["fan_out_window", "sequential"]),
      executionConfig: { batchRows: 5, heartbeatTimeoutSeconds: 5, maxAutoResumeAttempts: 3 },
    } as Parameters<World["createSync"]>[0]);
  }
});

function changeFile(shelf: ShelfServer, dice: Dice): void {
  const id = dice.pick(["a", "b", "c/d", "c/e", "é", "Z"]);
  if (dice.oneIn(3)) shelf.remove(id);
  else
    shelf.put(
      id,
      Array.from({ length: dice.roll(14) }, (_, index) => `${index}-${dice.roll(3)}`),
    );
}
