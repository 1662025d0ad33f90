import { expect, it } from "vitest";
import { TerminalError, TransientError } from "../../../core/errors.ts";
import { createSharedConnection } from "../../support/shared-connection.ts";
import type { Part } from "./harness.ts";
import { consume, FULL_SCAN, type Reader } from "./reader.ts";

/** Long enough for a machine that is busy; whoever waits for the source would wait for ever. */
const HANGS_AFTER_MS = 20_000;

/** What goes wrong between a connector and its source. */
export function describeFaults(has: readonly Part[], given: () => Reader): void {
  it("stops within one batch when it is aborted between two", async () => {
    const { withSource, planned, requestOf } = given();
    const plan = await planned();
    const controller = new AbortController();
    const reason = new Error("the run was cancelled");
    let after = 0;
    const outcome = await withSource(
      async (source) => {
        for await (const batch of source.read(requestOf(plan, 0, null, 10))) {
          await consume(batch).catch((error: unknown) => {
            // Aborting ends the COPY that this batch is read from, too.
            if (!controller.signal.aborted) throw error;
          });
          if (controller.signal.aborted) after += 1;
          controller.abort(reason);
        }
      },
      { signal: controller.signal },
    ).then(
      () => "ended",
      (error: unknown) => error,
    );
    expect(after).toBeLessThanOrEqual(1);
    expect(outcome).toBe(reason);
  });

  if (has.includes("stall"))
    it("stops when it is aborted in the middle of a batch, although the source sends nothing", async () => {
      const { harness, withSource, planned, requestOf, readAll } = given();
      const plan = await planned();
      const controller = new AbortController();
      const reason = new Error("the run was cancelled");
      const heal = harness.stall?.();
      try {
        const reading = withSource(
          async (source) => {
            for await (const batch of source.read(requestOf(plan, 0, null, 1_000_000))) await consume(batch);
          },
          { signal: controller.signal },
        );
        const outcome = reading.then(
          () => "read to the end",
          (error: unknown) => error,
        );
        await new Promise((resolve) => setTimeout(resolve, 500));
        const abortedAt = Date.now();
        controller.abort(reason);
        expect(await outcome).toBe(reason);
        expect(Date.now() - abortedAt).toBeLessThan(HANGS_AFTER_MS);
      } finally {
        heal?.();
      }
      expect((await readAll(plan)).length).toBe((await harness.expectedRows()).length);
    });

  if (has.includes("throttle"))
    it("meets a source that throttles with a TransientError that says when to come back", async () => {
      const { harness, planned } = given();
      const undo = await harness.throttle?.();
      try {
        const error = await planned().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(TransientError);
        expect(error).toMatchObject({ reasonCode: "source_rate_limited" });
        expect((error as TransientError).retryAfterSeconds).toBeGreaterThan(0);
      } finally {
        await undo?.();
      }
    });

  if (has.includes("credentials"))
    it("meets wrong credentials with a TerminalError that does not show them, and its check reports it", async () => {
      const { harness, withSource } = given();
      const secrets = harness.wrongSecrets ?? {};
      const planning = withSource((source) => source.plan({ ...FULL_SCAN, ...harness.entity }), { secrets });
      const error = await planning.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TerminalError);
      expect(error).toMatchObject({ reasonCode: expect.stringMatching(/^source_auth_(failed|expired)$/) });
      for (const secret of Object.values(secrets)) expect((error as TerminalError).message).not.toContain(secret);
      const checks = await withSource((source) => source.check(), { secrets });
      expect(checks.filter((check) => !check.ok)).toEqual([
        expect.objectContaining({ ok: false, message: expect.stringMatching(/./), fix: expect.stringMatching(/./) }),
      ]);
    });

  if (has.includes("permission"))
    it("names the permission that is missing and what to do, in its check and in a run", async () => {
      const { harness, withSource, planned } = given();
      const giveBack = harness.permission?.revoke();
      try {
        const checks = await withSource((source) => source.check());
        const failed = checks.filter((check) => !check.ok);
        expect(failed.length).toBeGreaterThan(0);
        for (const { fix } of failed) expect(fix).toContain(harness.permission?.name);
        const error = await planned().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(TerminalError);
        expect(error).toMatchObject({
          reasonCode: "source_permission_denied",
          fix: expect.stringContaining(harness.permission?.name ?? ""),
        });
      } finally {
        giveBack?.();
      }
    });

  if (has.includes("access tokens"))
    it("goes on with a new access token where the present one ends in the middle of a slice", async () => {
      const { harness, withSource, planned, requestOf, readBackOf } = given();
      const plan = await planned();
      const readBack = await readBackOf(plan);
      const rows: string[] = [];
      await withSource(async (source) => {
        for await (const batch of source.read(requestOf(plan, 0, null))) {
          rows.push(...(await readBack.rowsOf(batch, harness.entity.entityKey)));
          harness.tokens?.expireAccess?.();
        }
      });
      expect(rows.sort()).toEqual((await harness.expectedRows()).sort());
    });

  if (has.includes("page tokens"))
    it("reads the window again where the token of a page has expired, within a read and after it was resumed", async () => {
      const { harness, withSource, planned, requestOf, readBackOf, readOn } = given();
      const plan = await planned();
      const readBack = await readBackOf(plan);
      const rows: string[] = [];
      let batches = 0;
      await withSource(async (source) => {
        for await (const batch of source.read(requestOf(plan, 0, null))) {
          // A listing is read anew only so often: batches may be small.
          batches += 1;
          if (batches <= 2) harness.tokens?.expirePages?.();
          rows.push(...(await readBack.rowsOf(batch, harness.entity.entityKey)));
        }
      });
      // Rows that come twice are merged.
      expect([...new Set(rows)].sort()).toEqual((await harness.expectedRows()).sort());

      const before = await readOn(requestOf(plan, 0, null), readBack, 2);
      harness.tokens?.expirePages?.();
      const rest = await readOn(requestOf(plan, 0, before.at(-1)?.checkpoint ?? null), readBack);
      const all = new Set([...before, ...rest].flatMap((page) => page.rows));
      expect([...all].sort()).toEqual((await harness.expectedRows()).sort());
    });

  if (has.includes("job"))
    it("makes a job anew that is lost half-way, and loses and doubles nothing", async () => {
      const { harness, planned, requestOf, readBackOf, readOn } = given();
      const plan = await planned();
      const readBack = await readBackOf(plan);
      // That it is about to be made may be committed first.
      const [first] = await readOn(requestOf(plan, 0, null), readBack, 1);
      const made = harness.job?.made() ?? 0;
      const before = await readOn(requestOf(plan, 0, null), readBack, first?.checkpoint?.job === undefined ? 2 : 1);
      const job = before.at(-1)?.checkpoint?.job;
      expect(job, "the job is in the checkpoint before it is waited for").toMatchObject({ madeTimes: 1 });
      expect(before.flatMap(({ rows }) => rows)).toEqual([]);
      harness.job?.lose();
      const rest = await readOn(requestOf(plan, 0, before.at(-1)?.checkpoint ?? null), readBack);
      expect(harness.job?.made()).toBe(made + 2);
      expect(rest.flatMap((page) => page.rows).sort()).toEqual((await harness.expectedRows()).sort());
    });

  if (has.includes("budget"))
    it("asks for leave before every request that the source counts", async () => {
      const { harness, withSource, planned, requestOf } = given();
      const plan = await planned();
      const shared = createSharedConnection(harness.secrets);
      let leaves = 0;
      const counting: typeof shared = {
        ...shared,
        reserve: (...asked) => {
          leaves += 1;
          return shared.reserve(...asked);
        },
      };
      const spent = harness.budget?.spent() ?? 0;
      await withSource(
        async (source) => {
          for await (const batch of source.read(requestOf(plan, 0, null))) await consume(batch);
        },
        { shared: counting },
      );
      const requests = (harness.budget?.spent() ?? 0) - spent;
      expect(requests).toBeGreaterThan(0);
      expect(leaves).toBeGreaterThanOrEqual(requests);
    });
}
