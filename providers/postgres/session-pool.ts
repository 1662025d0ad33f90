import { type Pulse, strongestPulse } from "../../core/pulse.ts";
import type { Session } from "./session.ts";

/** Sessions of one source for questions that are asked side by side. Each is opened when it is first needed. */
export interface SessionPool {
  /** `work` with a session that nobody else uses meanwhile; waits for one where all are in use. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Several sessions share the items: each runs `work`, which takes from `left` what no other has taken. The first error rejects. */
  inLanes<Item>(items: Item[], work: (session: Session, left: Iterable<Item>) => Promise<void>): Promise<void>;
  /** Of all of them the strongest. */
  look(): Promise<Pulse>;
  close(): Promise<void>;
}

export function createSessionPool(size: number, open: () => Session): SessionPool {
  const sessions: Session[] = [];
  const idle: Session[] = [];
  const waiting: ((session: Session) => void)[] = [];

  function take(): Session | Promise<Session> {
    const session = idle.pop();
    if (session !== undefined) return session;
    if (sessions.length === size) return new Promise((resolve) => waiting.push(resolve));
    const opened = open();
    sessions.push(opened);
    return opened;
  }

  function giveBack(session: Session): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(session);
    else next(session);
  }

  async function use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await take();
    try {
      return await work(session);
    } finally {
      giveBack(session);
    }
  }

  return {
    use,
    async inLanes(items, work) {
      const left = items.values();
      const lanes = Math.min(size, items.length);
      await Promise.all(Array.from({ length: lanes }, () => use((session) => work(session, left))));
    },
    look: async () => strongestPulse(await Promise.all(sessions.map((session) => session.look()))),
    async close() {
      await Promise.all(sessions.map((session) => session.close()));
    },
  };
}
