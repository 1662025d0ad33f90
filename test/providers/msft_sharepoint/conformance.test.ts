import { graphIdOf } from "../../simulators/graph/present-drive-items.ts";
import { itemsOfList } from "../../simulators/graph/present-lists.ts";
import { DOCUMENTS, REPORTS, TICKETS } from "../../simulators/graph/tenant.ts";
import { ITEMS, itemsOf, writeFile } from "../../simulators/graph/tree.ts";
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
  own: (
    given: sites.SimulatedSites,
  ) => Pick<ProviderHarness, "entity" | "expectedRows"> & Partial<Pick<ProviderHarness, "deletes">>,
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

describeProvider(
  "msft_sharepoint: files",
  ["credentials", "stall", "throttle", "access tokens", "permission"],
  async () => {
    const harness = await createHarness(({ simulator: { store } }) => {
      const rows = Array.from({ length: 210 }, (_, i) => ({ id: i, name: `a "b"\n${i}`, amount: `${i}.50` }));
      const files = Array.from({ length: 6 }, (_, n) => {
        const own = rows.slice(n * 35, n * 35 + 35);
        const text = own.map(({ id, name, amount }) => `${id},"${name.replaceAll('"', '""')}",${amount}\n`).join("");
        const path = `ledger/region=${n % 2}/part ü #${n}.csv`;
        return { own, path, item: writeFile(store, REPORTS, path, `id,name,amount\n${text}`), region: String(n % 2) };
      });
      return {
        entity: { entityKey: "ledger", keyColumns: ["_file_id", "_row_number"], cursorField: null },
        expectedRows: () =>
          printRowsOf(
            LEDGER_COLUMNS,
            files.flatMap(({ own, path, item, region }) =>
              own.map((row, i) => ({ ...row, region, ...sites.fileColumns(REPORTS, item, path), _row_number: i + 1 })),
            ),
          ),
      };
    });
    const { budget: _, feed: __, ...parts } = harness;
    const ledger = { name: "ledger", pathGlob: "Reports/ledger/**/*.csv", format: { type: "csv" }, pathParts: "hive" };
    return { ...parts, sourceConfig: { files: [ledger] } };
  },
);

const LEDGER_COLUMNS = [
  ...[
    { name: "id", type: "bigint" },
    { name: "name", type: "text" },
    { name: "amount", type: "numeric" },
  ],
  ...[
    { name: "region", type: "text" },
    { name: "_unmapped", type: "jsonb" },
  ],
  ...["_file_id", "_file_path", "_file_version"].map((name) => ({ name, type: "text" })),
  ...[
    { name: "_row_number", type: "bigint" },
    { name: "_file_modified_at", type: "timestamptz" },
  ],
];
