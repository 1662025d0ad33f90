import { main } from "../../worker.ts";
import { findProviderOrDepot } from "./depot-provider.ts";

/** The worker, killed where the test says, with the connector of `depot-provider.ts` beside those of the registry. */
await main({
  connectors: findProviderOrDepot,
  failpoint(name) {
    if (name === process.env.FAILPOINT) process.kill(process.pid, "SIGKILL");
  },
});
