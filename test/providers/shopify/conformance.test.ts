import { describeProvider } from "../conformance.ts";
import { openShop } from "./harness.ts";

const PARTS = [
  ...(["cursor", "credentials", "stall", "throttle", "deletes", "children"] as const),
  ...(["page tokens", "access tokens", "budget", "permission"] as const),
];

describeProvider("shopify", PARTS, async () => (await openShop({ bulk: "never" })).harness);

describeProvider("shopify with bulk operations", [...PARTS, "job"], async () => {
  const { shop, harness } = await openShop({ bulk: "auto", settings: { bulkSeconds: null } });
  const job = {
    finish: () => shop.bulk().finish(),
    lose: () => shop.bulk().lose(),
    made: () => shop.bulk().made(),
  };
  return { ...harness, job };
});
