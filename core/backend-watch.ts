import { askTogether } from "./ask-together.ts";
import type { Pulse } from "./pulse.ts";

/** A server process of Postgres. `startedAt` tells it from others that the system gave the same pid. */
export interface Backend {
  pid: number;
  /** As Postgres prints it, with microseconds and zone. */
  startedAt: string;
}

/** Looks at backends of one database, for all of a process that work there. */
export interface BackendWatch {
  /** @throws what the look throws; it takes no longer than `PROBE_TIMEOUT_MS` */
  look(backend: Backend): Promise<Pulse>;
  close(): void;
}

/** A look that takes longer has found nothing. */
export const PROBE_TIMEOUT_MS = 5_000;

/** After the last look the session goes: a worker without work holds none. */
const IDLE_MS = 5_000;

/** Takes arrays of pids and starts for $1 and $2. Waiting for a client is waiting for us. */
export const LOOK_AT_BACKENDS = `
  select pid, asked.started as "startedAt",
    case wait_event_type when 'Lock' then 'waiting' else 'working' end as pulse,
    case wait_event_type when 'Lock' then (
      select string_agg(format('session %s of %s%s in database %s', blocker.pid, usename, ' (' || nullif(application_name, '') || ')', datname), ', ')
      from (select * from pg_stat_activity as other where other.pid = any(pg_blocking_pids(asked_pid)) limit 3) as blocker
    ) end as "blockedBy"
  from unnest($1::int[], $2::text[]) as asked (asked_pid, started)
  join pg_stat_activity on pid = asked_pid and backend_start = asked.started::timestamptz
  where state = 'active' and wait_event_type is distinct from 'Client'`;

interface SeenBackend extends Backend {
  pulse: "working" | "waiting";
  /** Null where it is not to be found out. */
  blockedBy: string | null;
}

interface WatchSession {
  /** Runs `LOOK_AT_BACKENDS`. */
  ask(pids: number[], starts: string[]): Promise<SeenBackend[]>;
  /** Drops the connection at once; what is in flight rejects. */
  drop(): void;
}

/**
 * One session for all looks, opened with the first one and again after it broke. One question at a time, about all backends.
 * @param onClose called when the session goes: after the last look, or broken
 */
export function createBackendWatch(open: () => Promise<WatchSession>, onClose?: () => void): BackendWatch {
  let opened: Promise<WatchSession> | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;

  function close(): void {
    clearTimeout(idle);
    void opened?.then(
      (session) => session.drop(),
      () => undefined,
    );
    opened = null;
    onClose?.();
  }

  const ask = askTogether(async (keys) => {
    clearTimeout(idle);
    const backends = keys.map(parseKey);
    opened ??= open();
    const asked = opened.then((session) =>
      session.ask(
        backends.map(({ pid }) => pid),
        backends.map(({ startedAt }) => startedAt),
      ),
    );
    try {
      const seen = await inTime(asked);
      idle = setTimeout(close, IDLE_MS).unref();
      return new Map(seen.map((backend) => [keyOf(backend), pulseOf(backend)]));
    } catch (error) {
      close();
      throw error;
    }
  });

  return { look: async (backend) => (await ask(keyOf(backend))) ?? "none", close };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`The probe took longer than ${PROBE_TIMEOUT_MS} ms.`)),
    PROBE_TIMEOUT_MS,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function pulseOf({ pulse, blockedBy }: SeenBackend): Pulse {
  return pulse === "waiting" && blockedBy !== null ? { blockedBy } : pulse;
}

function keyOf({ pid, startedAt }: Backend): string {
  return `${pid} ${startedAt}`;
}

function parseKey(key: string): Backend {
  const space = key.indexOf(" ");
  return { pid: Number(key.slice(0, space)), startedAt: key.slice(space + 1) };
}
