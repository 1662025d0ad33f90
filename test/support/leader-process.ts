import { pino } from "pino";
import { startLoop } from "../../control/loop.ts";
import { createDb } from "../../db/client.ts";
import { createLeader } from "../../db/leader-lock.ts";

/** A process that leads when it can, and says on its standard output when it does a pass, and when it notices that it leads no more. */

const [url = ""] = process.argv.slice(2);
const say = (what: string): void => void process.stdout.write(`${what}\n`);
const db = createDb({ url, maxConnections: 2, onPoolError: () => undefined });
const leader = createLeader(db, "reconcile");

const loop = startLoop({
  name: "lead",
  everyMs: 200,
  log: pino({ level: "silent" }),
  work: () =>
    leader.lead(async (lost) => {
      lost.addEventListener("abort", () => say("lost"), { once: true });
      say("pass");
    }),
});
say("ready");
process.once("SIGTERM", async () => {
  await loop.stop();
  await leader.stop();
  await db.destroy();
  say("stopped");
});
