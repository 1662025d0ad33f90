import { main } from "../../worker.ts";

/** The worker, killed where the test says. */
await main({
  failpoint(name) {
    if (name === process.env.FAILPOINT) process.kill(process.pid, "SIGKILL");
  },
});
