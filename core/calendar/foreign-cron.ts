/** What other dialects of cron have, and what to write instead. Temporal would refuse it, or take it for something else. */

const FIVE_FIELDS = "Input should be a cron expression of five fields";

/** @param given the expression, split at white space @returns the fault; null where it looks like cron of five fields */
export function findForeignCron(given: readonly string[]): string | null {
  const [first = "", ...rest] = given;
  if (/^(CRON_)?TZ=/.test(first)) return `${FIVE_FIELDS}: give the time zone of '${first}' as 'timezone'`;
  if (first === "@every")
    return `${FIVE_FIELDS}: write '@every ${rest.join(" ")}' as ${everySecondsOf(rest.join(" "))}`;
  if (first.startsWith("@")) return `${FIVE_FIELDS}, or one of @hourly, @daily, @weekly, @monthly and @yearly`;
  const comment = given.find((field) => field.startsWith("#"));
  if (comment !== undefined) return `${FIVE_FIELDS}: leave the comment '${comment} ...' out`;
  if (given.length === 6 || given.length === 7) {
    return `${FIVE_FIELDS}: for seconds give 'everySeconds', for a year give 'startAt' and 'endAt'`;
  }
  if (given.length !== 5) return FIVE_FIELDS;
  return findForeignDay(given[2] ?? "", "day of month") ?? findForeignDay(given[4] ?? "", "day of week");
}

/** `L`, `W`, `#` and `?`, which other dialects know in the two fields of days. */
function findForeignDay(field: string, name: string): string | null {
  for (const part of field.split(",")) {
    const advice = adviceFor(part);
    if (advice !== null) return `'${field}' is no ${name}: ${advice}`;
  }
  return null;
}

function adviceFor(part: string): string | null {
  if (part === "?") return "write '*' instead of '?'";
  const [, day = "", week = ""] = /^([a-z]{3,}|[0-7])#([1-5])$/i.exec(part) ?? [];
  if (day !== "") {
    const days = `${Number(week) * 7 - 6}-${Math.min(Number(week) * 7, 31)}`;
    return `instead of '${part}' write '${day}' as day of week and '${days}' as day of month; both must hold`;
  }
  if (part.includes("#")) return "'#' is not known; for the second week of a month write '8-14' as day of month";
  if (/^(\d+|L)W$/i.test(part)) return "'W' is not known; write 'mon-fri' as day of week, or a day of month alone";
  const [, last = ""] = /^([a-z]{3,}|[0-7])L$/i.exec(part) ?? [];
  if (last !== "") {
    return `instead of '${part}' write '${last}' as day of week and '22-28' as day of month, for the fourth one; both must hold`;
  }
  if (/^L(-\d+)?$/i.test(part)) {
    return "'L' is not known; write '1' as day of month to run when the month is over, or a day that each month has, such as '28'";
  }
  return null;
}

function everySecondsOf(duration: string): string {
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration);
  if (parts === null || duration === "") return "'everySeconds'";
  const [, days, hours, minutes, seconds] = parts;
  const total =
    Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return `'everySeconds': ${total}`;
}
