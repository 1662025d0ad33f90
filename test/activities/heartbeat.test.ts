import { MockActivityEnvironment } from "@temporalio/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Vigil, withHeartbeat } from "../../activities/heartbeat.ts";
import { TerminalError } from "../../core/errors.ts";
import type { Pulse } from "../../core/pulse.ts";

const SECOND = 1_000;

describe("what is alive", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Does `work` for `seconds`. @returns the seconds at which it beat, and what it was told to end for */
  async function watch(
    seconds: number,
    work: (vigil: Vigil) => void,
    late?: { seconds: number; error: TerminalError },
  ): Promise<{ beats: number[]; stalls: string[] }> {
    const startedAt = Date.now();
    const beats: number[] = [];
    const stalls: string[] = [];
    let movedAt = startedAt;
    const tracked = {
      idleMs: () => Date.now() - movedAt,
      touch: () => {
        movedAt = Date.now();
      },
    };
    const environment = new MockActivityEnvironment();
    environment.on("heartbeat", () => beats.push(Math.round((Date.now() - startedAt) / SECOND)));
    const running = environment.run(() =>
      withHeartbeat(
        {
          ...{ tracked, progressTimeoutSeconds: 30 },
          onBlocked: () => undefined,
          onStall: ({ reasonCode }) => void stalls.push(reasonCode),
          ...(late ? { late } : {}),
        },
        async (vigil) => {
          work(vigil);
          await new Promise((resolve) => setTimeout(resolve, seconds * SECOND));
        },
      ),
    );
    await vi.advanceTimersByTimeAsync((seconds + 1) * SECOND);
    await running;
    return { beats, stalls };
  }

  it("a statement at work is, for as long as it is at work, and a moment later it is not", async () => {
    let pulse: Pulse = "working";
    const { beats, stalls } = await watch(85, (vigil) => {
      vigil.watch(async () => pulse);
      setTimeout(() => {
        pulse = "none";
      }, 60 * SECOND);
    });
    expect(stalls).toEqual([]);
    expect(beats).toContain(59);
    expect(Math.max(...beats)).toBeLessThanOrEqual(62);
  });

  it("what waits within a deadline is, until progressTimeoutSeconds are over", async () => {
    const { beats, stalls } = await watch(40, (vigil) => void vigil.watch(async () => "waiting"));
    expect(beats).toContain(29);
    expect(Math.max(...beats)).toBeLessThanOrEqual(30);
    expect(new Set(stalls)).toEqual(new Set(["stalled_no_progress"]));
  });

  it.each<[string, () => Promise<Pulse>]>([
    ["finds nothing", async () => "none"],
    ["fails", () => Promise.reject(new Error("no connection"))],
    ["hangs", () => new Promise(() => undefined)],
  ])("a look that %s is no beat, and hides no other", async (_, look) => {
    const silent = await watch(25, (vigil) => void vigil.watch(look));
    expect(Math.max(...silent.beats)).toBeLessThanOrEqual(1);
    const { beats } = await watch(25, (vigil) => {
      vigil.watch(look);
      vigil.watch(async () => "working");
    });
    expect(Math.max(...beats)).toBeGreaterThanOrEqual(18);
  });

  it("a look is forgotten when its work is over", async () => {
    const { beats } = await watch(25, (vigil) => {
      const over = vigil.watch(async () => "working");
      setTimeout(over, 10 * SECOND);
    });
    expect(Math.max(...beats)).toBeLessThanOrEqual(12);
  });

  it("short steps are while they go on, and a late end comes however alive the work is", async () => {
    const error = new TerminalError("source_timeout", "Too late.", { fix: "Be quick." });
    const { beats, stalls } = await watch(
      25,
      (vigil) => void vigil.bounded(() => new Promise((resolve) => setTimeout(resolve, 60 * SECOND))),
      { seconds: 15, error },
    );
    expect(beats).toContain(14);
    expect(Math.max(...beats)).toBeLessThanOrEqual(15);
    expect(new Set(stalls)).toEqual(new Set(["source_timeout"]));
  });
});
