import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import { SEARCH_ATTRIBUTES } from "../core/workflow-contract.ts";

/** temporal.api.enums.v1.IndexedValueType */
const TYPES = { Keyword: 2, Int: 3 } as const;

/** Registers what the namespace lacks. @returns false where that is refused: runs are then only harder to find in the Web UI */
export async function ensureSearchAttributes(client: Client, namespace: string, log: Logger): Promise<boolean> {
  try {
    const { operatorService } = client.connection;
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length > 0) {
      const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPES[type]]));
      await operatorService.addSearchAttributes({ namespace, searchAttributes });
    }
    return true;
  } catch (error) {
    log.warn(
      { err: error },
      "search attributes could not be registered; runs will be harder to find in the Temporal Web UI",
    );
    return false;
  }
}
