import { PROVIDERS } from "../../../core/vocabulary.ts";
import type { ProviderDemo } from "../provider-demo.ts";

type ProviderKey = (typeof PROVIDERS)[number];

/** Another provider's demo is a file here and a line. */
const DEMOS: Partial<Record<ProviderKey, () => Promise<ProviderDemo>>> = {
  http_api: async () => (await import("./http_api.ts")).httpApiDemo,
  s3: async () => (await import("./s3.ts")).s3Demo,
  msft_sharepoint: async () => (await import("./msft_sharepoint.ts")).sharepointDemo,
  shopify: async () => (await import("./shopify.ts")).shopifyDemo,
};

/** @throws Error that names the demos there are */
export async function findProviderDemo(name: string): Promise<{ key: ProviderKey; demo: ProviderDemo }> {
  const key = PROVIDERS.find((each) => each === name);
  const load = key === undefined ? undefined : DEMOS[key];
  if (key === undefined || load === undefined)
    throw new Error(`--provider ${name} has no demo; there are demos of ${Object.keys(DEMOS).join(", ")}`);
  return { key, demo: await load() };
}
