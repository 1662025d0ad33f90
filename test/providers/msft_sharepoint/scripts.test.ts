import { describe, expect, it, onTestFinished } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import type { Source } from "../../../providers/provider.ts";
import {
  CREDENTIAL_FAULTS,
  DATA_FAULTS,
  drawScript,
  type Fault,
  type FaultKind,
  NETWORK_FAULTS,
} from "../../simulators/faults.ts";
import { createFeedFollower, type FeedFollower } from "../../simulators/feed-follower.ts";
import { graphError } from "../../simulators/graph/errors.ts";
import { DOCUMENTS } from "../../simulators/graph/tenant.ts";
import { change, itemsOf, pathOf, writeFile } from "../../simulators/graph/tree.ts";
import { throttled } from "../../simulators/graph/units.ts";
import type { Simulator } from "../../simulators/simulator.ts";
import { createDice, type Dice } from "../../support/random.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import * as sites from "./sites.ts";

/** Another seed, and more: `SCRIPT_SEED=7 SCRIPT_RUNS=200 npx vitest run test/providers/msft_sharepoint/scripts.test.ts`. */
const seed = Number(process.env.SCRIPT_SEED ?? 1);
const runs = Number(process.env.SCRIPT_RUNS ?? 6);

/** Everything that the documents allow a feed to do. */
const QUIRKS = { movingPages: true, emptyPages: true, duplicates: true, catchesUp: true };

const KINDS: FaultKind[] = [
  ...[...NETWORK_FAULTS, ...CREDENTIAL_FAULTS, ...DATA_FAULTS, "expire_cursors" as const],
  ...[500, 502, 504, 509].map((status) => ({ answer: graphError(status, "generalException", "Try again.") })),
  ...[{ answer: throttled(240) }, { answer: throttled(17, {}, 503) }],
];

/** Of a run. A token that is refused, and then the one that was given for it, is no access: that ends a run. */
function drawRun(dice: Dice): Fault[] {
  const script = drawScript(dice, { kinds: KINDS, faults: 6, requests: 24 });
  const firstEnd = script.findIndex(({ kind }) => kind === "expire_token");
  return script.filter(({ kind }, i) => kind !== "expire_token" || i === firstEnd);
}

interface Followed {
  simulator: Simulator;
  drive: FeedFollower;
  list: FeedFollower;
}

async function follow(number: number): Promise<Followed> {
  const { simulator, config } = await sites.createSites({ quirks: QUIRKS, pageLimit: 37 }, { seed: number });
  onTestFinished(() => simulator.close());
  // The vendor's clock is another one: nobody waits here for what it asks to be left alone for.
  const shared = { ...createSharedConnection(sites.SECRETS), block: async () => undefined };
  const withSource = async <T>(work: (source: Source) => Promise<T>): Promise<T> => {
    const source = await sites.provider.connect({
      config: sites.provider.connectionSchema.parse(config),
      sourceConfig: sites.provider.sourceConfigSchema.parse({}),
      ...{ secrets: sites.SECRETS, redactor: createRedactor(Object.values(sites.SECRETS)), shared },
      ...{ signal: new AbortController().signal, egress: LOOPBACK_EGRESS },
    });
    return work(source).finally(() => source.close());
  };
  const follower = (entityKey: string) => createFeedFollower(withSource, { entityKey, keyColumns: ["id"] });
  return { simulator, drive: follower(sites.DRIVE_ENTITY), list: follower(sites.LIST_ENTITY) };
}

/** People move things while somebody reads. */
function moveAround({ simulator: { store } }: Followed, dice: Dice): void {
  const items = itemsOf(store, DOCUMENTS);
  const folders = items.filter(({ kind }) => kind === "folder");
  const file = dice.pick(items.filter(({ kind }) => kind === "file"));
  change(store, file, { name: `renamed ${dice.roll(1e6)}.txt` });
  if (folders.length === 0) return;
  const folder = dice.pick(folders);
  change(store, folder, { name: `folder ${dice.roll(1e6)}` });
  change(store, file, { parent: dice.pick(folders).id });
  writeFile(store, DOCUMENTS, `${pathOf(store, folder)}/new ${dice.roll(1e6)}.txt`, `new ${dice.roll(1e6)}`);
  if (dice.oneIn(4)) store.remove("drive_items", folder.id);
}

/**
 * Columns that an item's own changes move. What a folder holds, and where an item is to be found by address, changes with others that the feed
 * need not tell.
 */
const OWN_COLUMNS = ["id", "parent_id", "name", "kind", "mime_type", "quick_xor_hash", "etag"];

function ofDrive({ simulator: { store } }: Followed): string[] {
  return sites
    .driveRows(store)
    .map((row) => textOf(row, OWN_COLUMNS))
    .sort();
}

function ofList({ simulator: { store } }: Followed): string[] {
  return sites
    .ticketRows(store)
    .map((row) => textOf(row, ["id", "title", "etag", "customer_lookup_id"]))
    .sort();
}

function textOf(row: Record<string, unknown>, columns: readonly string[]): string {
  return JSON.stringify(columns.map((name) => row[name] ?? null));
}

describe("SharePoint on a bad day", () => {
  it.each(Array.from({ length: runs }, (_, i) => seed + i))(
    "ends with tables that equal the site, whatever happened: seed %i",
    async (number) => {
      const followed = await follow(number);
      const { simulator, drive, list } = followed;
      const dice = createDice(number);
      for (let run = 0; run < 4; run++) {
        // A token that ends twice within one request is refused for good: what is left of the last run would pile up with this one.
        simulator.calm();
        simulator.play(drawRun(dice));
        await Promise.all([drive.catchUp(), list.catchUp()]);
        moveAround(followed, dice);
        simulator.clock.advance(dice.roll(300));
      }
      simulator.calm();
      await Promise.all([drive.catchUp(), list.catchUp()]);
      expect(
        drive
          .rows()
          .map((row) => textOf(row, OWN_COLUMNS))
          .sort(),
      ).toEqual(ofDrive(followed));
      const told = list.rows().map((row) => textOf(row, ["id", "title", "etag", "customer_lookup_id"]));
      expect(told.sort()).toEqual(ofList(followed));
    },
    300_000,
  );

  it("lets go what was deleted while its feed was expired", async () => {
    const followed = await follow(3);
    const { simulator, drive } = followed;
    await drive.catchUp();
    moveAround(followed, createDice(3));
    simulator.command("remove", { drive: "Documents", path: "Contracts" });
    simulator.suffer("expire_cursors");
    await drive.catchUp();
    expect(drive.resyncs).toBe(1);
    expect(
      drive
        .rows()
        .map((row) => textOf(row, OWN_COLUMNS))
        .sort(),
    ).toEqual(ofDrive(followed));
  });

  it("goes on behind the page where its token ended, and asks for no page twice", async () => {
    const { simulator, drive } = await follow(5);
    simulator.play([{ beforeRequest: 7, kind: "expire_token" }]);
    await drive.catchUp();
    const pages = simulator.requests.filter(({ path }) => path.includes("/root/delta"));
    const asked = pages.map(({ path, query }) => `${path}?${query}`);
    // The one that was refused.
    expect(asked.length - new Set(asked).size).toBe(1);
  });
});
