import type { Credentials, EgressPolicy, SharedConnection, Spend } from "../../providers/provider.ts";

/** What the control database keeps for a connection, in memory: for a source that is opened without one. */
export function createSharedConnection(secrets: Record<string, string> = {}): SharedConnection & { now: Credentials } {
  const blocked = new Map<string, number>();
  let places = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const shared = {
    now: { secrets, tokens: {} } as Credentials,
    readTokens: async () => shared.now.tokens,
    renew: (renew: (now: Credentials) => Promise<Partial<Credentials> | null>): Promise<Credentials> => {
      const renewed = turn.then(async () => {
        const changed = await renew(shared.now);
        if (changed) {
          shared.now = {
            secrets: { ...shared.now.secrets, ...changed.secrets },
            tokens: changed.tokens ?? shared.now.tokens,
          };
        }
        return shared.now;
      });
      turn = renewed.catch(() => undefined);
      return renewed;
    },
    patienceSeconds: () => 9,
    reserve: async (spends: readonly Spend[], place = ++places) => {
      const waitMs = Math.max(0, ...spends.map(({ bucket }) => (blocked.get(bucket) ?? 0) - Date.now()));
      return { given: waitMs <= 100, waitMs, place };
    },
    settle: async () => undefined,
    lease: async () => true,
    release: async () => undefined,
    block: async (bucket: string, until: Date) => {
      blocked.set(bucket, until.getTime());
    },
  };
  return shared;
}

/** Servers of tests live on this machine. */
export const LOOPBACK_EGRESS: EgressPolicy = { allowPrivate: ["127.0.0.0/8", "::1", "localhost"], allowOnly: null };
