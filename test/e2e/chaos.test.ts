import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawScript, NETWORK_FAULTS } from "../simulators/faults.ts";
import { countDoubles, createChaosVendors, createSubjects, type Subject } from "../support/chaos-subjects.ts";
import { createDice } from "../support/random.ts";
import { createFaults, type Faults } from "../support/random-faults.ts";
import { linesOf, runToEnd } from "../support/vendor-syncs.ts";
import { createWorld, getRun, type Row, tableOf, until, type World } from "../support/world.ts";

/** `npm run chaos` sets them. It takes steps until the time is over, and two at least. */
const SEED = Number(process.env.SLUICE_CHAOS_SEED ?? 1);
const SECONDS = Number(process.env.SLUICE_CHAOS_SECONDS ?? 10);
const FAULTS_PER_STEP = 3;
/** A busy machine takes minutes for a run whose worker is paused or killed again and again. */
const PATIENCE_MS = 300_000;

/** What a source may do to a run that has done nothing wrong: somebody asks for it again. */
const OF_THE_SOURCE = ["source_export_failed", "source_cursor_expired"];

describe(`groups, feeds and export jobs, of seed ${SEED}`, () => {
  const dice = createDice(SEED);
  let world: World;
  let vendors: Awaited<ReturnType<typeof createChaosVendors>>;
  let subjects: Subject[];
  let faults: Faults;
  /** Of the source's requests, so many are still to come before the worker dies. */
  let fatal: { left: number; reached: () => void; killed: Promise<void> } | null = null;
  /** Jobs fail, feeds expire and the depot changes. */
  let isHostile = false;
  let depotChanges = 0;
  const told: string[] = [];

  beforeAll(async () => {
    world = await createWorld();
    vendors = await createChaosVendors(dice);
    subjects = await createSubjects(world, vendors);
    const { depot, shop, simulator } = vendors;
    depot.beforeAnswer = holdIfFatal;
    shop.beforeAnswer = holdIfFatal;
    const hostile = (act: () => void) => () => {
      if (isHostile) act();
    };
    faults = await createFaults(world, createDice(SEED + 1), {
      env: { DEPOT: "1", SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" },
      ofSource: {
        killAtRequest,
        expireFeed: hostile(() => depot.expireFeed()),
        loseJobs: hostile(() => {
          for (const job of depot.jobs) job.status = "failed";
        }),
        changeDepot: hostile(() => {
          depotChanges += 1;
          vendors.changeDepot();
        }),
        ofTill: () =>
          simulator.play(
            drawScript(dice, { kinds: [...NETWORK_FAULTS, "expire_page_tokens"], faults: 3, requests: 20 }),
          ),
      },
    });
  });
  afterAll(async () => {
    await world.close();
    await vendors.close();
  });

  async function holdIfFatal(): Promise<void> {
    if (fatal === null || fatal.left-- > 0) return;
    const { reached, killed } = fatal;
    fatal = null;
    reached();
    await killed;
  }

  /** The source has done what it was asked, and whoever asked never hears of it. */
  async function killAtRequest({ kill }: Pick<Faults, "kill">): Promise<void> {
    const reached = Promise.withResolvers<void>();
    const killed = Promise.withResolvers<void>();
    fatal = { left: dice.roll(12), reached: reached.resolve, killed: killed.promise };
    await Promise.race([reached.promise, sleep(5_000)]);
    fatal = null;
    const dead = kill();
    killed.resolve();
    await dead;
  }

  /** Jobs end when they like. */
  async function workOnJobs(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await sleep(200);
      for (const job of vendors.depot.jobs)
        if (job.status === "running" && dice.oneIn(4)) job.status = isHostile && dice.oneIn(4) ? "failed" : "done";
    }
  }

  async function settle({ name, sync }: Subject): Promise<Row> {
    for (let time = 1; ; time++) {
      const ended = await runToEnd(world, sync, {}, PATIENCE_MS);
      const mayFail = isHostile && OF_THE_SOURCE.includes(ended.resultReasonCode) && time < 6;
      if (mayFail) continue;
      expect(ended.status, `${name}: ${ended.resultReasonCode}, ${JSON.stringify(ended)}; ${told}`).toBe("succeeded");
      return ended;
    }
  }

  async function expectEqual(subject: Subject, step: number): Promise<void> {
    for (const { entityKey, columns, where, lines } of subject.tables) {
      const table = `${subject.name}, ${entityKey}, after step ${step} of seed ${SEED} (${told.join(", ")})`;
      const condition = where?.(tableOf(subject.sync, entityKey));
      const found = await linesOf(world, subject.sync, entityKey, {
        columns,
        ...(condition ? { where: condition } : {}),
      });
      expect(found, table).toEqual(lines().sort());
    }
    expect(await countDoubles(world, subject), `doubles of ${subject.name}`).toBe(0);
  }

  /** Each row counts once, however many workers died at it. */
  async function expectCounted({ name, sync, tables }: Subject, last: Row): Promise<void> {
    const attempts = [last];
    while (attempts[0]?.previousAttemptRunId) attempts.unshift(await getRun(world, attempts[0].previousAttemptRunId));
    for (const { entityKey, lines, where } of tables) {
      if (where?.("").includes("not null")) continue;
      const counted = attempts.map(({ summary }) => summary.entities?.[entityKey]?.rows ?? 0);
      expect(sum(counted), `${name}, ${entityKey}, ${sync.id}: ${counted} (${told.join(", ")})`).toBe(lines().length);
    }
  }

  async function takeStep(step: number): Promise<void> {
    isHostile = step > 0;
    if (step > 0) {
      vendors.changeDepot();
      vendors.changeOthers();
    }
    const before = depotChanges;
    const over = new AbortController();
    const jobs = workOnJobs(over.signal);
    const disturb = async () => {
      for (let n = 0; n < FAULTS_PER_STEP; n++) {
        await sleep(dice.roll(2_000));
        // One worker dies in each step, whatever the dice say.
        if (n === 0) await killAtRequest(faults);
        told.push(`${step}: ${n === 0 ? "killAtRequest" : await faults.inject()}`);
      }
    };
    try {
      const [ended] = await Promise.all([Promise.all(subjects.map(settle)), disturb()]);
      vendors.simulator.calm();
      const changed = subjects.filter(({ mayChange }) => mayChange && depotChanges > before);
      await Promise.all(changed.map(settle));
      for (const subject of subjects) await expectEqual(subject, step);
      if (step > 0) return;
      for (const [index, subject] of subjects.entries()) await expectCounted(subject, ended[index] ?? {});
    } finally {
      over.abort();
      await jobs;
    }
  }

  it("equal their sources whenever workers die, feeds expire and jobs are lost, and nothing comes twice", {
    timeout: SECONDS * 1_000 + 4 * PATIENCE_MS,
  }, async () => {
    const deadline = Date.now() + SECONDS * 1_000;
    let steps = 0;
    while (steps < 2 || Date.now() < deadline) {
      await takeStep(steps++);
    }
    const names = vendors.depot.jobs.map(({ name }) => name);
    expect(new Set(names).size, "jobs made twice under one name").toBe(names.length);
    await until("nothing is left of any run", async () => {
      const jobs = await world.db.selectFrom("exportJobs").select("id").where("endedAt", "is", null).execute();
      const tickets = await world.db.selectFrom("requestTickets").select("holder").execute();
      return jobs.length + tickets.length === 0 ? true : null;
    });
  });
});

const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
