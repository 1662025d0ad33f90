import { expect, it, vi } from "vitest";
import { type Backend, createBackendWatch, PROBE_TIMEOUT_MS } from "../../core/backend-watch.ts";
import { strongestPulse } from "../../core/pulse.ts";

const backend = (pid: number, second = 0): Backend => ({ pid, startedAt: `2026-01-01 00:00:0${second}+00` });

/** A server that has these backends at work. */
function serverOf(working: Backend[]) {
  const asked: number[][] = [];
  const dropped: number[] = [];
  let opened = 0;
  const open = async () => {
    const number = ++opened;
    return {
      async ask(pids: number[], starts: string[]) {
        asked.push(pids);
        await Promise.resolve();
        return working
          .filter(({ pid, startedAt }) => pids.some((each, index) => each === pid && starts[index] === startedAt))
          .map((each) => ({ ...each, pulse: "working" as const, blockedBy: null }));
      },
      drop: () => void dropped.push(number),
    };
  };
  return { open, asked, dropped, sessions: () => opened };
}

it("looks at all backends with one question, and those that ask meanwhile share the next one", async () => {
  const server = serverOf([backend(1), backend(3)]);
  const watch = createBackendWatch(server.open);
  const first = Promise.all([watch.look(backend(1)), watch.look(backend(2)), watch.look(backend(1))]);
  expect(await first).toEqual(["working", "none", "working"]);
  await Promise.all([watch.look(backend(3)), watch.look(backend(2))]);
  expect(server.asked).toEqual([
    [1, 2],
    [3, 2],
  ]);
  expect(server.sessions()).toBe(1);
  watch.close();
});

it("does not take another backend of the same pid for ours", async () => {
  const watch = createBackendWatch(serverOf([backend(1, 5)]).open);
  expect(await watch.look(backend(1, 4))).toBe("none");
  watch.close();
});

it("gives a look that hangs up after its time, drops its session and looks again with another", async () => {
  vi.useFakeTimers();
  try {
    const server = serverOf([backend(1)]);
    let hanging = true;
    const watch = createBackendWatch(async () => {
      const session = await server.open();
      return hanging ? { ...session, ask: () => new Promise<never>(() => undefined) } : session;
    });
    const looked = expect(watch.look(backend(1))).rejects.toThrow(/probe/);
    await vi.advanceTimersByTimeAsync(PROBE_TIMEOUT_MS);
    await looked;
    expect(server.dropped).toEqual([1]);
    hanging = false;
    expect(await watch.look(backend(1))).toBe("working");
    // Without a question for a while it holds no session.
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.dropped).toEqual([1, 2]);
  } finally {
    vi.useRealTimers();
  }
});

it("of several looks the strongest counts", () => {
  expect(strongestPulse(["none", "waiting", "none"])).toBe("waiting");
  expect(strongestPulse(["waiting", "working"])).toBe("working");
  expect(strongestPulse(["waiting", { blockedBy: "session 7" }, "none"])).toEqual({ blockedBy: "session 7" });
  expect(strongestPulse([])).toBe("none");
});
