import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as sites from "../providers/msft_sharepoint/sites.ts";
import { drawScript, type FaultKind } from "../simulators/faults.ts";
import { createGraph, type SimulatedGraph } from "../simulators/graph/graph.ts";
import { DOCUMENTS, REPORTS } from "../simulators/graph/tenant.ts";
import { ITEMS, itemsOf, pathOf, writeFile } from "../simulators/graph/tree.ts";
import { createSimulator, type Simulator, type VendorRequest } from "../simulators/simulator.ts";
import { createDice } from "../support/random.ts";
import {
  createWorld,
  getRun,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

const LEDGER = { name: "ledger", pathGlob: "*/ledger/**/*.csv", format: { type: "csv" } };
const LOOPBACK = { SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" };
/** What an item's own changes move; see `test/providers/msft_sharepoint/scripts.test.ts`. */
const ITEM = ["id", "parent_id", "name", "kind", "quick_xor_hash", "etag"];
const TICKET = ["id", "title", "customer_lookup_id", "etag"];

describe("a SharePoint site, by real workers", () => {
  let world: World;
  let worker: WorkerProcess;
  let graph: SimulatedGraph;
  let simulator: Simulator;
  /** Is told of a request before it is answered. */
  let beforeAnswer: (request: VendorRequest) => Promise<void> | void;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker(LOOPBACK);
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    beforeAnswer = () => undefined;
    graph = createGraph({ pageLimit: 20, quirks: { duplicates: true, catchesUp: true } });
    const { answer, ...vendor } = graph.vendor;
    const held = async (...[request, tools]: Parameters<typeof answer>) => {
      await beforeAnswer(request);
      return answer(request, tools);
    };
    simulator = await createSimulator([{ ...vendor, answer: held }]);
  });
  afterEach(() => simulator.close());

  async function createSync(entities: string[], more: Row = {}): Promise<Row> {
    const { body, status } = await world.api("POST", "/connections", {
      ...{ name: `site ${randomUUID()}`, provider: "msft_sharepoint", secrets: sites.SECRETS },
      config: { ...sites.configOf(simulator.baseUrl("graph")), pageSize: 20 },
    });
    expect(status, JSON.stringify(body)).toBe(201);
    return world.createSync({
      ...{ connectionId: body.id, entities, destinationConfig: { schema: `s${randomUUID().slice(0, 8)}` } },
      executionConfig: { heartbeatTimeoutSeconds: 5, batchRows: 20 },
      ...more,
    } as Parameters<World["createSync"]>[0]);
  }

  const run = async (sync: Row): Promise<Row> => whenChainEnded(world, (await trigger(world, sync.id)).id);

  async function rowsOf(sync: Row, entity: string, columns: readonly string[]): Promise<string[]> {
    const rows = await world.warehouse(`select ${columns.join(", ")} from ${tableOf(sync, entity)}`);
    return rows.map((row) => textOf(row, columns)).sort();
  }

  const itemsAtSource = () =>
    sites
      .driveRows(simulator.store)
      .map((row) => textOf(row, ITEM))
      .sort();
  const ticketsAtSource = () =>
    sites
      .ticketRows(simulator.store)
      .map((row) => textOf(row, TICKET))
      .sort();

  /** Rows of the files that the glob of `LEDGER` matches, with their paths as they are now. */
  function ledgerAtSource(): string[] {
    const { store } = simulator;
    const lines = [REPORTS, DOCUMENTS].flatMap((drive) =>
      itemsOf(store, drive).flatMap((item) => {
        const path = `${drive.name}/${pathOf(store, item)}`;
        if (item.kind !== "file" || !/^\w+\/ledger\/.*\.csv$/.test(path) || item.name.startsWith(".~lock")) return [];
        const text = Buffer.from(item.content ?? "", "base64").toString();
        return text
          .split("\n")
          .slice(1, -1)
          .map((line) => JSON.stringify([...line.split(","), path]));
      }),
    );
    return lines.sort();
  }

  function writeLedger(file: string, from: number, drive = REPORTS): void {
    const rows = Array.from({ length: 40 }, (_, i) => `${from + i},${i}.50\n`);
    writeFile(simulator.store, drive, `ledger/${file}`, `id,amount\n${rows.join("")}`);
  }

  function seenPages(): string[] {
    const pages = simulator.requests.filter(({ path }) => path.includes(`${DOCUMENTS.id}/root/delta`));
    return pages.map(({ path, query }) => `${path}?${query}`);
  }

  it("whose worker is killed between two pages is read on behind the last one", async () => {
    const sync = await createSync([sites.DRIVE_ENTITY]);
    const held = Promise.withResolvers<void>();
    beforeAnswer = () => (seenPages().length > 4 ? held.promise : undefined);
    const { id } = await trigger(world, sync.id);
    await until("some pages", async () => (seenPages().length > 4 ? true : null));
    await until("committed rows", async () => {
      const rows = await rowsOf(sync, sites.DRIVE_ENTITY, ["id"]).catch(() => []);
      return rows.length > 0 ? true : null;
    });
    await worker.kill();
    beforeAnswer = () => undefined;
    held.resolve();
    worker = await world.startWorker(LOOPBACK);
    expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect(await rowsOf(sync, sites.DRIVE_ENTITY, ITEM)).toEqual(itemsAtSource());
    // The first page has no token: it was not asked for again.
    expect(seenPages().filter((page) => !page.includes("token"))).toHaveLength(1);
  });

  it("whose delta link expires in the middle of a run is read as a whole at once, and keeps its rows meanwhile", async () => {
    const sync = await createSync([sites.DRIVE_ENTITY]);
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    simulator.command("rename", { drive: "Documents", path: "Contracts/2024", name: "2024 (old)" });
    simulator.command("remove", { drive: "Documents", path: "Contracts/2025/Q2" });
    for (const item of itemsOf(simulator.store, DOCUMENTS)
      .filter(({ kind }) => kind === "file")
      .slice(0, 60))
      simulator.store.put(ITEMS, { ...item, revision: 7, updated_at: undefined });
    const before = seenPages().length;
    const held = Promise.withResolvers<void>();
    let expired = false;
    beforeAnswer = async () => {
      const pages = seenPages().length - before;
      if (pages === 3 && !expired) {
        expired = true;
        simulator.suffer("expire_cursors");
      }
      // The scan that follows has the tables' rows in its way.
      if (expired && pages === 6) await held.promise;
    };
    const first = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(first).toMatchObject({ status: "failed", resultReasonCode: "source_cursor_expired" });
    expect((await getRun(world, first.nextAttemptRunId)).summary.autoResume).toMatchObject({ resync: true });
    await until("the scan", async () => (seenPages().length - before >= 6 ? true : null));
    expect((await rowsOf(sync, sites.DRIVE_ENTITY, ["id"])).length).toBeGreaterThan(150);
    held.resolve();
    expect(await whenChainEnded(world, first.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    expect(await rowsOf(sync, sites.DRIVE_ENTITY, ITEM)).toEqual(itemsAtSource());
    beforeAnswer = () => undefined;
    simulator.store.disturb("move_row");
    expect(await run(sync)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect(await rowsOf(sync, sites.DRIVE_ENTITY, ITEM)).toEqual(itemsAtSource());
  });

  it("has the rows of each file under the path that it has now: renamed, moved, replaced, ignored or not, in another drive", async () => {
    const names = ["rename", "replace", "leave", "deep/inner", "folder/inner", "hide", ".~lock.show", "drive", "keep"];
    for (const [n, name] of names.entries()) writeLedger(`${name}.csv`, n * 1_000);
    const sync = await createSync(["ledger"], { sourceConfig: { files: [LEDGER] } });
    const columns = ["id", "amount", "_file_path"];
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    expect(await rowsOf(sync, "ledger", columns)).toEqual(ledgerAtSource());

    const at = (path: string) => ({ drive: "Reports", path: `ledger/${path}` });
    simulator.command("rename", { ...at("rename.csv"), name: "renamed.csv" });
    writeLedger("replace.csv", 90_000);
    simulator.command("move", { ...at("leave.csv"), to: "archive" });
    simulator.command("move", { ...at("deep/inner.csv"), to: "ledger/other" });
    simulator.command("rename", { ...at("folder"), name: "renamed folder" });
    simulator.command("rename", { ...at("hide.csv"), name: ".~lock.hide.csv" });
    simulator.command("rename", { ...at(".~lock.show.csv"), name: "show.csv" });
    // What moves to another drive gets another id there.
    simulator.command("remove", at("drive.csv"));
    writeLedger("drive.csv", 7_000, DOCUMENTS);
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    expect(await rowsOf(sync, "ledger", columns)).toEqual(ledgerAtSource());

    // Deleted and made again under the same name.
    simulator.command("remove", at("keep.csv"));
    writeLedger("keep.csv", 95_000);
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    expect(await rowsOf(sync, "ledger", columns)).toEqual(ledgerAtSource());
    expect(ledgerAtSource().length).toBe(7 * 40);
  });

  it("lets go what was in a deleted folder where the feed tells the folder alone, and keeps what was moved out before", async () => {
    graph.state.quirks.foldersAlone = true;
    const sync = await createSync([sites.DRIVE_ENTITY]);
    simulator.command("write", { drive: "Documents", path: "Contracts/2024/keep.txt", content: "k" });
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    simulator.command("move", { drive: "Documents", path: "Contracts/2024/keep.txt", to: "kept" });
    simulator.command("remove", { drive: "Documents", path: "Contracts" });
    // The same name, and another id.
    simulator.command("write", { drive: "Documents", path: "Contracts/2024/new.txt", content: "n" });
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    expect(await rowsOf(sync, sites.DRIVE_ENTITY, ITEM)).toEqual(itemsAtSource());
  });

  it.each([1, 2])("ends with tables that equal the site, whatever happens: seed %i", async (seed) => {
    const dice = createDice(seed);
    for (let n = 0; n < 5; n++) writeLedger(`${n}.csv`, n * 1_000);
    const entities = [sites.DRIVE_ENTITY, sites.LIST_ENTITY, "ledger"];
    const sync = await createSync(entities, { sourceConfig: { files: [LEDGER] } });
    const kinds: FaultKind[] = [
      ...(["throttle", "server_error", "cut_body", "slow_drip", "wrong_length"] as const),
      ...(["move_row", "late_update", "delete_row", "expire_cursors"] as const),
      { command: "expireDownloads" },
    ];
    for (let round = 0; round < 3; round++) {
      simulator.play([
        ...drawScript(dice, { kinds, faults: 5, requests: 25 }),
        { beforeRequest: dice.roll(25), kind: "expire_token" },
      ]);
      expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
      const file = dice.roll(5);
      writeLedger(`${file}.csv`, file * 1_000 + 100 * (round + 1));
      simulator.command("rename", { drive: "Reports", path: "ledger/4.csv", name: `moved ${round}.csv` });
      simulator.command("rename", { drive: "Reports", path: `ledger/moved ${round}.csv`, name: "4.csv" });
      if (round === 1) simulator.command("remove", { drive: "Reports", path: "ledger/3.csv" });
    }
    simulator.calm();
    expect(await run(sync)).toMatchObject({ status: "succeeded", error: null });
    expect(await rowsOf(sync, sites.DRIVE_ENTITY, ITEM)).toEqual(itemsAtSource());
    expect(await rowsOf(sync, sites.LIST_ENTITY, TICKET)).toEqual(ticketsAtSource());
    expect(await rowsOf(sync, "ledger", ["id", "amount", "_file_path"])).toEqual(ledgerAtSource());
  });
});

function textOf(row: Row, columns: readonly string[]): string {
  return JSON.stringify(columns.map((name) => row[name] ?? null));
}
