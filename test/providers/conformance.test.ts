import { simulatedParts } from "../simulators/harness-parts.ts";
import { mail } from "../simulators/mail.ts";
import { createSimulator } from "../simulators/simulator.ts";
import type { Stored } from "../simulators/store.ts";
import type { ProviderHarness } from "./conformance/harness.ts";
import { createJobProvider, type JobDesk, REPORT } from "./conformance/job-provider.ts";
import { ATTACHMENTS, MESSAGES, mailProvider } from "./conformance/mail-provider.ts";
import { describeProvider } from "./conformance.ts";
import { printRowsOf } from "./print-rows.ts";

/** The parts of the suite that no connector has yet. */
describeProvider("with a feed, deletes and children", ["children", "deletes", "feed", "stall"], async () => {
  const simulator = await createSimulator([mail]);
  const { store } = simulator;
  const { stall, close } = simulatedParts(simulator, { permission: "", free: [] });
  const isThere = ({ message_id: of }: Stored): boolean => store.find("messages", Number(of)) !== undefined;
  const harness: ProviderHarness = {
    provider: mailProvider,
    unregistered: true,
    config: { baseUrl: simulator.baseUrl("mail") },
    secrets: {},
    sourceConfig: {},
    invalidConfigs: [{}],
    entity: { entityKey: "messages", keyColumns: ["id"], cursorField: null },
    expectedRows: () => printRowsOf(MESSAGES.columns, store.rows("messages")),
    stall,
    deletes: {
      async remove() {
        store.remove("messages", 11);
        return ["11"];
      },
    },
    children: {
      member: { entityKey: "attachments", keyColumns: ["message_id", "id"] },
      parentColumns: ["message_id"],
      expectedRows: () => printRowsOf(ATTACHMENTS.columns, store.rows("attachments").filter(isThere)),
      async change() {
        store.remove("attachments", 700);
        store.put("attachments", { id: 799, message_id: 7, name: "new" });
        return ["7"];
      },
      cut: () => simulator.play([{ beforeRequest: 20, kind: "cut_body" }]),
    },
    feed: { expire: () => simulator.suffer("expire_cursors") },
    close,
  };
  return harness;
});

describeProvider("with export jobs", ["job"], async () => {
  const rows = Array.from({ length: 200 }, (_, i): [string, string] => [String(i), `row ${i}`]);
  const desk: JobDesk = { rows, jobs: new Map(), made: 0 };
  return {
    provider: createJobProvider(desk),
    unregistered: true,
    ...{ config: {}, secrets: {}, sourceConfig: {}, invalidConfigs: [] },
    entity: { entityKey: "report", keyColumns: ["id"], cursorField: null },
    expectedRows: () =>
      printRowsOf(
        REPORT.columns,
        rows.map(([id, name]) => ({ id, name })),
      ),
    job: {
      finish() {
        for (const job of desk.jobs.values()) job.hasEnded = true;
      },
      lose: () => desk.jobs.clear(),
      made: () => desk.made,
    },
    close: async () => undefined,
  };
});
