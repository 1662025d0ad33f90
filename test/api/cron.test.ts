import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import { Cron } from "croner";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { findCronFaults } from "../../api/schemas/cron.ts";

/** What is accepted here is handed to Temporal later, and has to mean the same there. */

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
  "0 0 * jan *",
  "0 0 * JAN-mar *",
  "0 0 * * 0",
  "0 0 * * 7",
  "0 0 * * sun-tue",
  "0 0 * * 5-7",
  "0 6 * * mon-fri",
  "0 12 13 * 5",
  "0 0 1-31/2 * *",
  "  0 0 1 1 *  ",
  "0\t0\t1\t1\t*",
];

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
  ["0 0 30 2 *", "The day that it names never comes"],
  ["0 0 31 4,6 *", "The day that it names never comes"],
  ...["@hourly", "@every 5m", "* * * *", "* * * * * *", "* * * * * * 2027", "", "CRON_TZ=UTC * * * * *"].map(
    (cron): [string, string] => [cron, "Input should be a cron expression of five fields"],
  ),
];

/** Other dialects: what Temporal would refuse, or take for something else. */
const FOREIGN = [
  "* * ? * *",
  "* * L * *",
  "* * 15W * *",
  "* * * * 5L",
  "* * * * 5#2",
  "H * * * *",
  "*/0 * * * *",
  "1,,2 * * * *",
  "1, * * * *",
  "1-2-3 * * * *",
  "*/5/5 * * * *",
  "** * * * *",
  "*-5 * * * *",
  "/10 * * * *",
  "-1 * * * *",
  "0x5 * * * *",
  "1.5 * * * *",
  "+5 * * * *",
];

describe("a cron expression", () => {
  let client: Client;
  beforeAll(async () => {
    client = new Client({ connection: await Connection.connect({ address: inject("temporalAddress") }) });
  });
  afterAll(() => client.connection.close());

  it.each(TAKEN)("%j is taken, and Temporal fires when we say that it will", async (cron) => {
    expect(findCronFaults(cron)).toEqual([]);
    const handle = await client.schedule.create({
      scheduleId: `cron-${randomUUID()}`,
      spec: { cronExpressions: [cron] },
      action: { type: "startWorkflow", workflowType: "none", taskQueue: "none" },
      state: { paused: true },
    });
    const [first] = (await handle.describe()).info.nextActionTimes;
    await handle.delete();
    const ours = new Cron(cron.trim(), { paused: true, timezone: "UTC", domAndDow: true, sloppyRanges: true });
    // A minute may pass between the two looks.
    expect(ours.nextRuns(2).map((run) => run.getTime())).toContain(first?.getTime());
  });

  it.each(REFUSED)("%j is refused, naming the field", (cron, fault) => {
    expect(findCronFaults(cron)).toEqual([fault]);
  });

  it.each(FOREIGN)("%j is refused: it is another dialect's", (cron) => {
    expect(findCronFaults(cron)).toHaveLength(1);
  });

  it("with several wrong fields has a fault for each", () => {
    expect(findCronFaults("60 24 * * mon")).toHaveLength(2);
  });
});
