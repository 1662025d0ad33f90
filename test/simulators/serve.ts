import { once } from "node:events";
import { parseArgs } from "node:util";
import { startControl } from "./control.ts";
import { createSimulator } from "./simulator.ts";
import { createClock } from "./store.ts";
import type { Vendor } from "./vendor.ts";

/**
 * A simulated vendor as a process: `npx node test/simulators/serve.ts <vendor> [--seed <number>]`. Its first line is JSON: `apiUrl`, `filesUrl`,
 * `controlUrl` (see `control.ts`), and the `secrets` that it accepts. It ends with SIGTERM, and when its standard input closes.
 */

/** Another vendor is a line here. */
const VENDORS: Record<string, () => Promise<ServedVendor>> = {
  graph: async () => {
    const { createGraph } = await import("./graph/graph.ts");
    const { CLIENT_SECRET } = await import("./graph/tenant.ts");
    return { vendor: createGraph({ pageLimit: 200 }).vendor, secrets: { clientSecret: CLIENT_SECRET } };
  },
  shopify: async () => {
    const { createShop, SHOP_TOKEN } = await import("./shopify/shopify.ts");
    return { vendor: createShop(), secrets: { accessToken: SHOP_TOKEN } };
  },
  till: async () => {
    const { till, TILL_KEY } = await import("./till.ts");
    return { vendor: till, secrets: { apiKey: TILL_KEY } };
  },
};

export interface ServedVendor {
  vendor: Vendor;
  /** As the connection's secrets are named. */
  secrets: Record<string, string>;
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: "string" } } });
const [name = ""] = positionals;
const load = VENDORS[name];
if (load === undefined) throw new Error(`serve.ts <vendor>: there is no "${name}"; ${Object.keys(VENDORS).join(", ")}`);
const { vendor, secrets } = await load();

/** The time of day, so that a page that shows the data looks as usual. */
const clock = createClock(Date.now(), { isRunning: true });
const simulator = await createSimulator([vendor], { clock, seed: Number(values.seed ?? 1) });
const control = await startControl(simulator);
const urls = { apiUrl: simulator.baseUrl(vendor.name), filesUrl: simulator.filesUrl(vendor.name) };
console.log(JSON.stringify({ ...urls, controlUrl: control.url, secrets }));

// Whoever started it holds the other end; it must not outlive them.
await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT"), once(process.stdin.resume(), "close")]);
await Promise.all([control.close(), simulator.close()]);
process.exit();
