import type { ProviderKey } from "../core/vocabulary.ts";
import { httpApi } from "./http_api/index.ts";
import { msftSharepoint } from "./msft_sharepoint/index.ts";
import { postgres } from "./postgres/index.ts";
import type { Provider } from "./provider.ts";
import { s3 } from "./s3/index.ts";
import { shopify } from "./shopify/index.ts";

/** By key, in the order of the alphabet. */
const REGISTRY: Partial<Record<ProviderKey, Provider>> = {
  http_api: httpApi,
  msft_sharepoint: msftSharepoint,
  postgres,
  s3,
  shopify,
};

/** @returns null where there is no connector for the key yet */
export function findProvider(key: ProviderKey): Provider | null {
  return REGISTRY[key] ?? null;
}
