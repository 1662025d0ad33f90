import { describeProvider } from "../conformance.ts";
import { openShop } from "./harness.ts";

const PARTS = ["cursor", "credentials", "stall", "throttle", "deletes", "children", "permission"] as const;
const OF_PAGES = ["page tokens", "access tokens", "budget"] as const;

describeProvider("shopify", [...PARTS, ...OF_PAGES], async () => (await openShop({ bulk: "never" })).harness);

describeProvider("shopify with bulk operations", [...PARTS, "job"], async () => {
  const { shop, harness: whole } = await openShop({ bulk: "auto", settings: { bulkSeconds: null } });
  const job = {
    finish: () => shop.bulk().finish(),
    lose: () => shop.bulk().lose(),
    made: () => shop.bulk().made(),
  };
  // A read that waits for a job ends, and another one goes on: what these parts look at within one read are pages.
  const { tokens: _, budget: __, ...harness } = whole;
  return { ...harness, job };
});
