import { expect, it } from "vitest";
import { copyBatches } from "../../activities/copy-batches.ts";
import { openManifest } from "../../activities/file-manifest.ts";
import type { LoadMode } from "../../core/vocabulary.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import type { Batch } from "../../providers/batch.ts";
import type { EntityReadSpec, ReadRequest } from "../../providers/provider.ts";
import { claim, finish, openWarehouse, prepareRequest, type Warehouse } from "../destinations/warehouse.ts";
import { planRequestOf, sourceOf } from "../support/file-reading.ts";
import { type MemoryStore, memoryStore } from "../support/file-stores.ts";
import { createDice, type Dice } from "../support/random.ts";
import { TEXT_COLUMNS, type WrittenFile, writeCsv, writeNdjson } from "../support/random-file-texts.ts";

/** `npm run fuzz -- --files --minutes 5 --seed 7` for others, and for longer. */
const FIRST_SEED = Number(process.env.SLUICE_FILES_SEED ?? 1);
const SECONDS = Number(process.env.SLUICE_FILES_SECONDS ?? 0);
const LEAST_TABLES = 8;

const MODES: LoadMode[] = ["upsert", "append_event", "replace", "scd2"];

it("tables are what their files hold, however these are written, in every load mode, also where reading breaks off", {
  timeout: (SECONDS + 180) * 1_000,
}, async () => {
  const warehouse = await openWarehouse();
  const end = Date.now() + SECONDS * 1_000;
  for (let n = 0; n < LEAST_TABLES || Date.now() < end; n += 1) await liveOfTable(warehouse, FIRST_SEED + n, n);
});

async function liveOfTable(warehouse: Warehouse, seed: number, n: number): Promise<void> {
  const dice = createDice(seed);
  const loadMode = MODES[n % MODES.length] ?? "upsert";
  const isCsv = dice.oneIn(2);
  const delimiter = dice.pick([",", ";", "|", "\t"]);
  const store = memoryStore();
  const source = sourceOf(store, { format: isCsv ? { type: "csv", delimiter } : { type: "ndjson" } });
  const write = () => (isCsv ? writeCsv(dice, delimiter) : writeNdjson(dice));
  const files = new Map<string, WrittenFile>();
  const put = (path: string, file: WrittenFile) => {
    files.set(path, file);
    store.put(path, file.bytes, { chunkBytes: dice.pick([1, 7, 100, 64 * 1024]) });
  };
  // The first one shows all columns and their types.
  do put("a.csv", write());
  while (TEXT_COLUMNS.some((name) => files.get("a.csv")?.records[0]?.[name] === undefined));
  for (const path of ["b.csv.gz", "c/d=1.tmp2", "é😀.json"]) put(path, write());
  const table = `t${seed}`;
  const run = createRunner(warehouse, { source, table, loadMode, dice });
  const context = `seed ${seed}, ${loadMode}, ${isCsv ? `csv ${JSON.stringify(delimiter)}` : "ndjson"}`;

  await run();
  expect(await rowsOf(warehouse, table, loadMode), context).toEqual(rowsIn(files));
  const before = rowsIn(files);
  change(store, files, put, write);
  await run();
  const now = rowsIn(files);
  const found = await rowsOf(warehouse, table, loadMode);
  if (loadMode !== "append_event") expect(found, context).toEqual(now);
  else {
    // Rows of each version: those of the file that has changed stay, and those of the one that is gone.
    expect(found.length, context).toBe(new Set([...before, ...now]).size);
    expect(
      now.filter((row) => !found.includes(row)),
      context,
    ).toEqual([]);
  }
}

function change(
  store: MemoryStore,
  files: Map<string, WrittenFile>,
  put: (path: string, file: WrittenFile) => void,
  write: () => WrittenFile,
): void {
  put("b.csv.gz", write());
  put("new", write());
  store.remove("c/d=1.tmp2");
  files.delete("c/d=1.tmp2");
}

/** As text: the version, since rows of each are others under append_event; then all cells in order. */
function rowsIn(files: Map<string, WrittenFile>): string[] {
  return [...files]
    .flatMap(([path, { records }]) =>
      records.map((record, index) =>
        JSON.stringify([path, String(index + 1), ...TEXT_COLUMNS.map((name) => record[name] ?? null)]),
      ),
    )
    .sort();
}

async function rowsOf(warehouse: Warehouse, table: string, loadMode: LoadMode): Promise<string[]> {
  const columns = ["_file_path", "_row_number", ...TEXT_COLUMNS].map((name) => `"${name}"::text as "${name}"`);
  const rows = await warehouse.query(
    `select ${columns.join(", ")} from shop.${table} ${loadMode === "scd2" ? "where _is_current" : ""}`,
  );
  return rows.map((row) => JSON.stringify(Object.values(row))).sort();
}

interface Runner {
  source: ReturnType<typeof sourceOf>;
  table: string;
  loadMode: LoadMode;
  dice: Dice;
}

/** Runs of one sync. Reading breaks off now and then, and goes on from what is committed. */
function createRunner(warehouse: Warehouse, { source, table, loadMode, dice }: Runner): () => Promise<void> {
  const { destination } = warehouse;
  let generation: string | null = null;
  let spec: EntityReadSpec | undefined;
  return async () => {
    const [entity] = await source.discover(["t"], new Map(spec === undefined ? [] : [["t", spec]]));
    if (entity === undefined || entity.failure) throw entity?.failure ?? new Error("there is no entity");
    const event = loadMode === "append_event" ? entity.eventKeyColumns : undefined;
    const keyColumns = event ?? entity.primaryKeyColumns;
    const isWhole = loadMode === "replace" || generation === null;
    const request = prepareRequest({
      ...{ entityKey: "t", table, columns: entity.columns, keyColumns, cursorField: null, loadMode, complete: isWhole },
      files: { generation },
    });
    const target = await destination.prepareEntity(request);
    const own = { deploymentId: request.deploymentId, syncId: request.syncId, entityKey: "t" };
    generation = target.files?.generation ?? null;
    const manifest = openManifest(destination, own, generation ?? "");
    const plan = await source.plan(planRequestOf({ keyColumns, manifest, scan: isWhole ? "full" : "incremental" }));
    spec = plan.spec;
    for (const [sliceNo, { window }] of plan.slices.entries()) {
      const reading = { spec: plan.spec, window, batchRows: 1 + dice.roll(40), batchBytes: 1_000_000 };
      for (let breaks = dice.roll(3); ; breaks -= 1) {
        const writer = await claim(warehouse, target, request, { sliceNo, filesOf: own });
        try {
          const breaking = {
            read: (of: ReadRequest) => endAfter(source.read(of), breaks > 0 ? dice.roll(4) : Infinity),
          };
          await copyBatches(breaking, writer, reading, { add: () => undefined });
          break;
        } catch (error) {
          if (!(error instanceof BrokenOff)) throw error;
        } finally {
          await writer.close();
        }
      }
    }
    if (hasFinish(target)) await finish(warehouse, target, request);
  };
}

class BrokenOff extends Error {
  override readonly name = "BrokenOff";
}

async function* endAfter(batches: AsyncIterable<Batch>, most: number): AsyncGenerator<Batch, void, undefined> {
  let count = 0;
  for await (const batch of batches) {
    if (count >= most) throw new BrokenOff();
    count += 1;
    yield batch;
  }
}
