import { graphIdOf } from "../../simulators/graph/present-drive-items.ts";
import { itemsOfList } from "../../simulators/graph/present-lists.ts";
import { DOCUMENTS, TICKETS } from "../../simulators/graph/tenant.ts";
import { ITEMS, itemsOf } from "../../simulators/graph/tree.ts";
import { simulatedParts } from "../../simulators/harness-parts.ts";
import type { Part } from "../conformance/harness.ts";
import { describeProvider, type ProviderHarness } from "../conformance.ts";
import { printRowsOf } from "../print-rows.ts";
import * as sites from "./sites.ts";

/**
 * Page tokens are no part of it: a link that Graph does not take any more ends the feed, in the middle of it too. Who read the listing again would
 * miss what was deleted since it began.
 */
const PARTS: Part[] = ["feed", "deletes", "credentials", "stall", "throttle", "access tokens", "budget", "permission"];

async function createHarness(
  own: (given: sites.SimulatedSites) => Pick<ProviderHarness, "entity" | "expectedRows" | "deletes">,
): Promise<ProviderHarness> {
  const given = await sites.createSites();
  const { simulator, config } = given;
  const parts = simulatedParts(simulator, { permission: "Sites.Selected", free: [] });
  const { siteUrl: _, ...nowhere } = config;
  return {
    ...parts,
    ...{ provider: sites.provider, config, secrets: sites.SECRETS, sourceConfig: {} },
    invalidConfigs: [
      nowhere,
      { ...config, siteId: "contoso.sharepoint.com" },
      { ...config, clientId: "no-guid" },
      { ...config, tenantId: "a/b" },
      { ...config, auth: { type: "certificate" } },
      { ...config, cloud: "mars" },
    ],
    wrongSecrets: { clientSecret: "wrong-client-secret" },
    tokens: { expireAccess: () => simulator.suffer("expire_token") },
    budget: { spent: () => sites.countedBy(simulator) },
    feed: { expire: () => simulator.suffer("expire_cursors") },
    ...own(given),
  };
}

describeProvider("msft_sharepoint: items of a drive", PARTS, () =>
  createHarness(({ simulator: { store } }) => ({
    entity: { entityKey: sites.DRIVE_ENTITY, keyColumns: ["id"], cursorField: null },
    expectedRows: () => printRowsOf(sites.DRIVE_ITEM_COLUMNS, sites.driveRows(store)),
    deletes: {
      async remove() {
        const file = itemsOf(store, DOCUMENTS).findLast(({ kind }) => kind === "file");
        store.remove(ITEMS, file?.id ?? 0);
        return [graphIdOf(DOCUMENTS, file?.id ?? 0)];
      },
    },
  })),
);

describeProvider("msft_sharepoint: items of a list", PARTS, () =>
  createHarness(({ simulator: { store, command } }) => ({
    entity: { entityKey: sites.LIST_ENTITY, keyColumns: ["id"], cursorField: null },
    expectedRows: () => printRowsOf(sites.TICKET_ITEM_COLUMNS, sites.ticketRows(store)),
    deletes: {
      async remove() {
        const id = (itemsOfList(store, TICKETS).at(-1)?.id ?? 0) - TICKETS.base;
        command("removeItem", { list: "Tickets", id });
        return [String(id)];
      },
    },
  })),
);
