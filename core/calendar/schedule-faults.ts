import { findCronFaults } from "./cron.ts";
import { neverFires, type TimedSchedule } from "./fire-times.ts";
import { findZoneFault } from "./zone-name.ts";

/**
 * What is wrong with a schedule, with what to write instead; empty: nothing, and its times can be computed. For one that is
 * stored: an older version may have taken what this one and Temporal do not.
 */
export function findScheduleFaults(schedule: TimedSchedule): string[] {
  const { cron, everySeconds, timezone } = schedule;
  const zoneFault = findZoneFault(timezone);
  const faults = [...(cron === undefined ? [] : findCronFaults(cron)), ...(zoneFault === null ? [] : [zoneFault])];
  if (cron === undefined && (everySeconds === undefined || everySeconds < 1))
    faults.push("It has no cron and no everySeconds");
  if (faults.length > 0 || !neverFires(schedule)) return faults;
  return ["It never fires: no time that it names lies between startAt and endAt, until the year 2100. Change these"];
}
