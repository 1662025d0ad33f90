/** Renewals of this process: those of one connection go one after the other, so that waiting for a turn costs nothing. */
export interface Renewals {
  /** The work goes on, and is waited for, when whoever asked for it has gone. */
  runExclusive<T>(connectionId: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when none is at work. */
  settled(): Promise<void>;
}

export function createRenewals(): Renewals {
  const last = new Map<string, Promise<unknown>>();
  return {
    runExclusive(connectionId, work) {
      // Whoever was before has had its own error.
      const turn = (last.get(connectionId) ?? Promise.resolve()).then(work, work);
      const forget = () => {
        if (last.get(connectionId) === turn) last.delete(connectionId);
      };
      last.set(connectionId, turn);
      turn.then(forget, forget);
      return turn;
    },
    async settled() {
      await Promise.allSettled(last.values());
    },
  };
}
