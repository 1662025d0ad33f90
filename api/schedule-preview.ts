import { type Fire, firesOf, fireTimes, type TimedSchedule } from "../core/calendar/fire-times.ts";
import { jitterSeed } from "../core/calendar/jitter.ts";
import { findScheduleFaults } from "../core/calendar/schedule-faults.ts";
import { readStoredSchedule } from "../core/calendar/stored-schedule.ts";
import type { SyncStatus } from "../core/vocabulary.ts";
import type { SyncRow } from "../db/syncs.ts";
import type { SchedulePreviewJson } from "./schemas/schedule-preview.ts";

type ScheduledSync = Pick<SyncRow, "id" | "createdAt" | "schedule" | "status" | "taskSlug" | "triggerMode">;
type Note = SchedulePreviewJson["notes"][number];

interface PreviewRequest {
  now: Date;
  count: number;
  /** Of Temporal, for jitter; null: it does not say. Asked for only where there is jitter. */
  readNamespaceId(): Promise<string | null>;
}

/** The next times of a sync's schedule, computed from its row. For a sync that does not fire now: the times that would come if it did from now on. */
export async function previewSchedule(sync: ScheduledSync, request: PreviewRequest): Promise<SchedulePreviewJson> {
  const stored = sync.schedule === null ? null : readStoredSchedule(sync.schedule);
  const without = { fires: [], inForce: false, syncId: sync.id, timezone: null };
  if (stored === null) return { ...without, notes: [note("no_schedule")] };
  if (stored.kind === "after") return { ...without, notes: [note("after_syncs")] };

  const [fault] = findScheduleFaults(stored.timed);
  if (fault !== undefined) {
    const message = `The schedule is one that this version of Sluice does not take. ${fault}.`;
    return { ...without, notes: [{ code: "schedule_refused", message }] };
  }
  const notes: Note[] = [];
  if (sync.triggerMode !== "scheduled")
    notes.push(note("not_scheduled", `The trigger mode is \`${sync.triggerMode}\``));
  if (sync.status !== "active") notes.push({ code: "not_active", message: INACTIVE[sync.status] });
  const inForce = notes.length === 0;
  const fires = await findFires(sync, stored.timed, { ...request, since: inForce ? sync.createdAt : request.now });
  if (fires.some(({ startsAt }) => startsAt === null)) notes.push(note("jitter_unknown"));
  if (fires.length < request.count) notes.push(note("no_more_times"));
  return { fires, inForce, notes, syncId: sync.id, timezone: stored.timed.timezone };
}

async function findFires(
  sync: ScheduledSync,
  timed: TimedSchedule,
  { now, since, count, readNamespaceId }: PreviewRequest & { since: Date },
): Promise<SchedulePreviewJson["fires"]> {
  const range = { after: now, since, count };
  if ((timed.jitterSeconds ?? 0) === 0) return [...firesOf(timed, "", range)].map(presentFire);
  const namespaceId = await readNamespaceId();
  if (namespaceId !== null) return [...firesOf(timed, jitterSeed(namespaceId, sync.taskSlug), range)].map(presentFire);
  return [...fireTimes(timed, range)].map((nominal) => ({ nominalAt: nominal.toISOString(), startsAt: null }));
}

function presentFire({ nominal, startsAt }: Fire): SchedulePreviewJson["fires"][number] {
  return { nominalAt: nominal.toISOString(), startsAt: startsAt.toISOString() };
}

const MESSAGES = {
  no_schedule: "The sync has no schedule. Give it a `schedule` with `cron` or `everySeconds`.",
  after_syncs: "The sync runs when the syncs that `schedule.after` names have succeeded, not at times of its own.",
  not_scheduled: "so nothing starts at these times. Set `triggerMode` to `scheduled`.",
  no_more_times:
    "There are no more times until `endAt`, or the end of 2100. Give a later `endAt` if the sync is to run on.",
  jitter_unknown: "`startsAt` is null: jitter depends on Temporal, which does not answer. Ask again when it does.",
} as const;

function note(code: keyof typeof MESSAGES, what?: string): Note {
  return { code, message: what === undefined ? MESSAGES[code] : `${what}, ${MESSAGES[code]}` };
}

const INACTIVE: Record<Exclude<SyncStatus, "active">, string> = {
  draft: "The sync is a draft, so nothing starts at these times. Set `status` to `active`.",
  paused: "The sync is paused, so nothing starts at these times. Set `status` to `active`.",
  error:
    "The sync is in `error`, so nothing starts at these times. Do what `lastError` asks for, and set `status` to `active`.",
  archived: "The sync is archived, so nothing starts at these times. Set `status` to `paused`, and then to `active`.",
};
