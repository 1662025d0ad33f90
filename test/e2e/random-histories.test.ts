import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOAD_MODE_RULES } from "../../core/load-modes.ts";
import type { LoadMode, RunMode } from "../../core/vocabulary.ts";
import { createModel, type LoadModel, type SourceRow } from "../support/load-models.ts";
import { createDice, type Dice } from "../support/random.ts";
import { createFaults, type Faults } from "../support/random-faults.ts";
import { changeAtRandom, changeLate, createRandomTable, readRandomTable } from "../support/random-source.ts";
import { createWorld, type Row, tableOf, type World, whenChainEnded } from "../support/world.ts";

/** `HISTORY_SEED=7,8 HISTORY_STEPS=40` for others, or long ones. They run side by side. */
const SEEDS = (process.env.HISTORY_SEED ?? "1").split(",").map(Number);
const STEPS = Number(process.env.HISTORY_STEPS ?? 12);
const FAULTS_PER_STEP = 2;
/** A busy machine takes minutes for a run whose worker is paused or killed again and again. */
const PATIENCE_MS = 300_000;

/** How a run is asked for. */
interface Ask {
  runMode: RunMode;
  window: { from: string; to: string } | null;
}

/** One sync of one table, and what that has to be. */
interface Subject {
  name: string;
  source: string;
  sync: Row;
  loadMode: LoadMode;
  /** It becomes one or another of these. */
  others: LoadMode[];
  model: LoadModel;
  dice: Dice;
  /** Cancelled runs that nothing follows. */
  left: { runId: string; ask: Ask }[];
}

const SUBJECTS: { name: string; loadMode: LoadMode; hasKey?: boolean; others?: LoadMode[] }[] = [
  { name: "upsert", loadMode: "upsert" },
  { name: "soft_delete", loadMode: "upsert_soft_delete" },
  { name: "delete_insert", loadMode: "delete_insert" },
  { name: "append_keyed", loadMode: "append_event" },
  { name: "append_keyless", loadMode: "append_event", hasKey: false },
  { name: "snapshots", loadMode: "append_snapshot" },
  { name: "replaced", loadMode: "replace" },
  { name: "versions", loadMode: "scd2" },
  { name: "changing", loadMode: "upsert", others: ["upsert", "append_event", "delete_insert", "replace"] },
];

/** These say what the source is, not what it was: a run that sees half of a change is put right by the next one. */
const PRESENT: LoadMode[] = ["upsert", "upsert_soft_delete", "delete_insert", "replace"];

describe.concurrent.each(SEEDS)("random histories of seed %i", (seed) => {
  let world: World;
  let faults: Faults;
  let subjects: Subject[];

  beforeAll(async () => {
    world = await createWorld();
    await world.source("create schema random");
    const connectionId = await world.createConnection();
    subjects = await Promise.all(SUBJECTS.map((spec, n) => begin(connectionId, spec, createDice(seed * 100 + n))));
    faults = await createFaults(world, createDice(seed * 100 + 99));
  });
  afterAll(() => world.close());

  async function begin(connectionId: string, spec: (typeof SUBJECTS)[number], dice: Dice): Promise<Subject> {
    const { name, loadMode, hasKey = true, others = [] } = spec;
    const source = `random.${name}`;
    await createRandomTable(world, source, hasKey);
    const sync = await world.createSync({
      connectionId,
      entities: [source],
      destinationConfig: { schema: "copy" },
      tableBindings: [bindingOf(source, loadMode)],
      executionMode: dice.pick(["fan_out_window", "fan_out_window", "sequential"]),
      executionConfig: {
        windowSize: "60",
        batchRows: 12,
        heartbeatTimeoutSeconds: 5,
        maxAutoResumeAttempts: 20,
        ...(loadMode === "delete_insert" || others.length > 0 ? { lookbackSeconds: 30 * 86_400 } : {}),
      },
    });
    return { name, source, sync, loadMode, others, model: createModel(loadMode, hasKey), dice, left: [] };
  }

  const bindingOf = (entityKey: string, loadMode: LoadMode) => ({ entityKey, loadMode, cursorField: "updated_at" });

  async function ask(subject: Subject, { runMode, window }: Ask): Promise<string> {
    const { status, body } = window
      ? await world.api("POST", `/syncs/${subject.sync.id}/backfills`, {
          window: { from: rfc(window.from), to: rfc(window.to) },
        })
      : await world.api("POST", `/syncs/${subject.sync.id}/trigger`, { runMode });
    expect(status, JSON.stringify(body)).toBeLessThan(300);
    return body.id;
  }

  /** @returns the next attempt of the chain; null where there is none any more */
  async function retry(runId: string): Promise<string | null> {
    const { status, body } = await world.api("POST", `/syncs/runs/${runId}/retry`, {});
    if (status === 409) return null;
    expect(status, JSON.stringify(body)).toBeLessThan(300);
    return body.id;
  }

  function chooseAsk({ loadMode, dice }: Subject, first: boolean): Ask {
    const runMode = first
      ? "incremental"
      : dice.pick<RunMode>(["incremental", "incremental", "full_refresh", "backfill"]);
    // It would take the rows that are marked.
    const isRefused = runMode === "full_refresh" && loadMode === "upsert_soft_delete";
    if (isRefused || (runMode === "backfill" && !LOAD_MODE_RULES[loadMode].runModes.includes(runMode))) {
      return { runMode: "incremental", window: null };
    }
    if (runMode !== "backfill") return { runMode, window: null };
    const whole = loadMode === "delete_insert" || dice.oneIn(3);
    const from = whole ? -20 : -8 + dice.roll(4);
    return { runMode, window: { from: daysFromNow(from), to: daysFromNow(whole ? 1 : from + 2) } };
  }

  /** Runs, is cancelled perhaps, and is asked for again, until it has succeeded. */
  async function settle(
    subject: Subject,
    asked: Ask,
    { rows, first = false, late = false }: { rows: SourceRow[]; first?: boolean; late?: boolean },
  ): Promise<void> {
    const { dice, left, loadMode, model } = subject;
    let { runMode, window } = asked;
    let runId: string | null = null;
    // What was late may have been read before it was looked for, so this one has to see it.
    const old = !late && dice.oneIn(2) ? left.shift() : undefined;
    if (old) {
      runId = await retry(old.runId);
      if (runId !== null) ({ runMode, window } = old.ask);
    }
    runId ??= await ask(subject, { runMode, window });
    if (dice.oneIn(3)) {
      await sleep(dice.roll(2_000));
      await world.api("POST", `/syncs/runs/${runId}/cancel`);
    }
    let ended = await whenChainEnded(world, runId, PATIENCE_MS);
    if (ended.status === "cancelled") {
      const cancelled = { runId: ended.id, ask: { runMode, window } };
      // What was added to the table stays there, whoever asks next: the same chain adds it once.
      const again = loadMode === "append_snapshot" || dice.oneIn(2) ? await retry(ended.id) : null;
      if (again === null) left.push(cancelled);
      ended = await whenChainEnded(world, again ?? (await ask(subject, cancelled.ask)), PATIENCE_MS);
    }
    expect(
      ended.status,
      `${subject.name}, ${runMode}: ${ended.resultReasonCode}, ${JSON.stringify(ended.summary)}`,
    ).toBe("succeeded");
    const { alwaysComplete } = LOAD_MODE_RULES[loadMode];
    const complete = first || runMode === "full_refresh" || (runMode === "incremental" && alwaysComplete);
    model.take({ loadMode, complete, window, rows });
  }

  async function takeStep(subject: Subject, step: number): Promise<void> {
    const { name, source, dice } = subject;
    if (step > 0) {
      await changeAtRandom(world, source, dice, `step ${step}`);
      if (subject.others.length > 0) await changeMode(subject, dice.pick(subject.others));
    }
    const rows = await readRandomTable(world, source);
    const asked = chooseAsk(subject, step === 0);
    const updates = PRESENT.includes(subject.loadMode);
    const isLate = subject.loadMode !== "append_snapshot" && dice.oneIn(2);
    const late = isLate ? await changeLate(world, source, { note: `late ${step}`, updates }) : null;
    const committed = sleep(dice.roll(2_000)).then(() => late?.commit());
    await Promise.all([settle(subject, asked, { rows, first: step === 0 }), committed]);
    if (late) {
      const again = await readRandomTable(world, source);
      await settle(subject, { runMode: "incremental", window: null }, { rows: again, late: true });
    }
    const table = await world.warehouse(subject.model.select(tableOf(subject.sync, source)));
    const told = `${name}, ${subject.loadMode}, after step ${step} of seed ${seed}: ${asked.runMode}${late ? ", late" : ""}`;
    expect(table.map(({ line }) => line).sort(), told).toEqual(subject.model.lines().sort());
  }

  async function changeMode(subject: Subject, loadMode: LoadMode): Promise<void> {
    const tableBindings = [bindingOf(subject.source, loadMode)];
    const { status, body } = await world.api("PATCH", `/syncs/${subject.sync.id}`, { tableBindings });
    expect(status, JSON.stringify(body)).toBe(200);
    // Those were asked for what the mode was.
    subject.left = [];
    subject.loadMode = loadMode;
  }

  it(`${STEPS} steps: every table is what its load mode makes of its source`, {
    timeout: 60_000 + STEPS * 90_000,
  }, async () => {
    const dice = createDice(seed);
    for (let step = 0; step < STEPS; step++) {
      const disturb = async () => {
        for (let n = 0; n < FAULTS_PER_STEP; n++) {
          await sleep(dice.roll(2_000));
          await faults.inject();
        }
      };
      await Promise.all([...subjects.map((subject) => takeStep(subject, step)), disturb()]);
    }
  });
});

function daysFromNow(days: number): string {
  const at = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${at.slice(0, 10)} 00:00:00+00`;
}

/** As the API takes an instant. */
function rfc(text: string): string {
  return `${text.replace(" ", "T").replace("+00", "Z")}`;
}
