import { describe, expect, it } from "vitest";
import { findCronFaults, readCron } from "../../core/calendar/cron.ts";

const TAKEN = [
  "* * * * *",
  "*/5 * * * *",
  "5/10 * * * *",
  "0-30/7 * * * *",
  "0,15,30 * * * *",
  "05 * * * *",
  "1-5/2,10 * * * *",
  "0 0 31 * *",
  "0 0 29 2 *",
  "0 0 29 2 mon",
  "0 0 * jan *",
  "0 0 * JAN-mar,December *",
  "0 0 * * 0",
  "0 0 * * 7",
  "0 0 * * sun-tue",
  "0 0 * * 5-7",
  "0 6 * * Monday-fri",
  "0 12 13 * 5",
  "0 0 1-31/2 * *",
  "  0 0 1 1 *  ",
  "0\t0\t1\t1\t*",
  "@hourly",
  " @daily ",
];

const FIVE_FIELDS = "Input should be a cron expression of five fields";

const REFUSED: [cron: string, fault: string][] = [
  ["60 * * * *", "'60' is no minute: 0-59, '*', or a list, range or step of them"],
  ["* 24 * * *", "'24' is no hour: 0-23, '*', or a list, range or step of them"],
  ["* 22-4 * * *", "'22-4' is no hour: 0-23, '*', or a list, range or step of them"],
  ["* * 0 * *", "'0' is no day of month: 1-31, '*', or a list, range or step of them"],
  ["* * 32 * *", "'32' is no day of month: 1-31, '*', or a list, range or step of them"],
  ["* * * 13 *", "'13' is no month: 1-12 or jan-dec, '*', or a list, range or step of them"],
  ["* * * foo *", "'foo' is no month: 1-12 or jan-dec, '*', or a list, range or step of them"],
  ["* * * * 8", "'8' is no day of week: 0-7 or sun-sat, '*', or a list, range or step of them"],
  ["* * * * fri-mon", "'fri-mon' is no day of week: 0-7 or sun-sat, '*', or a list, range or step of them"],
  ["0 0 30 2 *", "It never fires: no month that it names has a day 30. Write a day of month up to 29"],
  ["0 0 31 4,6 *", "It never fires: no month that it names has a day 31. Write a day of month up to 30"],
  ["", FIVE_FIELDS],
  ["* * * *", FIVE_FIELDS],
];

/** Other dialects: what Temporal would refuse, or take for something else, and what is to be written instead. */
const FOREIGN: [cron: string, advice: string][] = [
  ["0 0 0 * * *", "for seconds give 'everySeconds', for a year give 'startAt' and 'endAt'"],
  ["0 0 0 * * * 2027", "for seconds give 'everySeconds', for a year give 'startAt' and 'endAt'"],
  ["CRON_TZ=Asia/Tokyo 0 0 * * *", "give the time zone of 'CRON_TZ=Asia/Tokyo' as 'timezone'"],
  ["TZ=UTC 0 0 * * *", "give the time zone of 'TZ=UTC' as 'timezone'"],
  ["@every 1h30m", "write '@every 1h30m' as 'everySeconds': 5400"],
  ["@reboot", "or one of @hourly, @daily, @weekly, @monthly and @yearly"],
  ["0 0 * * * # each night", "leave the comment '# ...' out"],
  ["* * ? * *", "write '*' instead of '?'"],
  ["* * L * *", "write '1' as day of month to run when the month is over"],
  ["* * L-3 * *", "write '1' as day of month to run when the month is over"],
  ["* * LW * *", "write 'mon-fri' as day of week"],
  ["* * 15W * *", "write 'mon-fri' as day of week"],
  ["* * * * 5L", "write '5' as day of week and '22-28' as day of month, for the fourth one; both must hold"],
  ["* * * * friL", "write 'fri' as day of week and '22-28' as day of month"],
  ["* * * * 5#2", "write '5' as day of week and '8-14' as day of month; both must hold"],
  ["* * * * mon#5", "write 'mon' as day of week and '29-31' as day of month"],
  ["* * * * mon#6", "for the second week of a month write '8-14' as day of month"],
];

const MALFORMED = "H|*/0|*/90|1,,2|1,|1-2-3|*/5/5|**|*-5|/10|-1|0x5|1.5|+5|5-|5/|mon".split("|");

describe("a cron expression", () => {
  it.each(TAKEN)("%j is taken", (cron) => {
    expect(findCronFaults(cron)).toEqual([]);
  });

  it.each(REFUSED)("%j is refused, naming the field", (cron, fault) => {
    expect(findCronFaults(cron)).toEqual([fault]);
  });

  it.each(FOREIGN)("%j is refused, saying what to write instead", (cron, advice) => {
    expect(findCronFaults(cron)).toEqual([expect.stringContaining(advice)]);
  });

  it.each(MALFORMED)("with the minute %j is refused", (minute) => {
    expect(findCronFaults(`${minute} * * * *`)).toHaveLength(1);
  });

  it("with several wrong fields has a fault for each", () => {
    expect(findCronFaults("60 24 * * mon")).toHaveLength(2);
  });

  it("means the values of its fields, in order and once", () => {
    expect(readCron("50,10-30/10,20 8/6 * FEB,1 fri-7,5").fields).toMatchObject({
      minute: [10, 20, 30, 50],
      hour: [8, 14, 20],
      month: [1, 2],
      dayOfWeek: [0, 5, 6],
    });
  });
});
