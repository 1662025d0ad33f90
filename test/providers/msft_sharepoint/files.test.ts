import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import type { FileMark } from "../../../providers/batch.ts";
import type { Source } from "../../../providers/provider.ts";
import { REPORT_ROWS } from "../../simulators/graph/seed.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { consume, FULL_SCAN } from "../conformance/reader.ts";
import * as sites from "./sites.ts";

const SALES = { name: "sales", pathGlob: "Reports/sales/**/*.csv", format: { type: "csv" } };
const KEY = ["_file_id", "_row_number"];

describe("tables of files in drives", () => {
  let given: sites.SimulatedSites;
  beforeAll(async () => {
    given = await sites.createSites();
  });
  afterAll(() => given.simulator.close());

  async function withSource<T>(work: (source: Source) => Promise<T>): Promise<T> {
    const { provider, SECRETS } = sites;
    const source = await provider.connect({
      config: provider.connectionSchema.parse(given.config),
      sourceConfig: provider.sourceConfigSchema.parse({ files: [SALES] }),
      ...{ secrets: SECRETS, egress: LOOPBACK_EGRESS, signal: new AbortController().signal },
      ...{ redactor: createRedactor(), shared: createSharedConnection(SECRETS) },
    });
    try {
      return await work(source);
    } finally {
      await source.close();
    }
  }

  /** @param marks of the run before */
  async function load(marks: FileMark[]): Promise<{ marks: FileMark[]; rows: number }> {
    return await withSource(async (source) => {
      const [schema] = await source.discover(["sales"]);
      expect(schema).toMatchObject({ files: true, primaryKeyColumns: KEY });
      expect(schema?.columns.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["id", "shop", "amount", "remark", "_file_path"]),
      );
      const byId = [...marks].sort((a, b) => (a.fileId < b.fileId ? -1 : 1));
      const plan = await source.plan({
        ...{ ...FULL_SCAN, entityKey: "sales", keyColumns: KEY, cursorField: null, windows: true },
        ...(marks.length === 0 ? {} : { scan: "incremental" as const, cursorState: "g1" }),
        manifest: {
          generation: "g1",
          async *pages() {
            yield byId;
          },
        },
      });
      const found: FileMark[] = [];
      for (const { window } of plan.slices) {
        const request = { spec: plan.spec, window, checkpoint: null, batchRows: 100, batchBytes: 2 ** 20 };
        for await (const batch of source.read(request)) {
          await consume(batch);
          found.push(...(batch.files ?? []));
        }
      }
      const last = [...new Map(found.map((mark) => [mark.fileId, mark])).values()];
      return { marks: last, rows: last.reduce((sum, { rows }) => sum + rows, 0) };
    });
  }

  it("are read once, and again where a file has changed, moved files too; what is gone is said to be gone", async () => {
    const first = await load([]);
    expect(first.marks.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => "loaded"));
    expect(first.rows).toBe(6 * REPORT_ROWS);
    expect((await load(first.marks)).marks).toEqual([]);

    const { command } = given.simulator;
    command("write", { drive: "Reports", path: "sales/2026/01.csv", content: "id,shop,amount,remark\n1,a,2,b\n" });
    command("remove", { drive: "Reports", path: "sales/2026/02.csv" });
    command("rename", { drive: "Reports", path: "sales/2026/03.csv", name: "3.csv" });
    const second = await load(first.marks);
    expect(second.marks.map(({ status, rows }) => [status, rows]).sort()).toEqual([
      ["gone", 0],
      ["loaded", 1],
      ["loaded", REPORT_ROWS],
    ]);
  });

  it("have a listing of all files of all drives", async () => {
    const rows = await withSource(async (source) => {
      const plan = await source.plan({ ...FULL_SCAN, entityKey: "files", keyColumns: ["file_id"], cursorField: null });
      const paths: (string | null | undefined)[] = [];
      const request = {
        spec: plan.spec,
        window: { by: "none" as const },
        checkpoint: null,
        batchRows: 50,
        batchBytes: 2 ** 20,
      };
      for await (const batch of source.read(request)) {
        if (batch.kind === "rows") for (const cells of batch.rows) paths.push(cells[batch.columns.indexOf("path")]);
      }
      return paths;
    });
    expect(rows).toEqual(expect.arrayContaining(["Reports/sales/readme.txt", "Reports/sales/2026/3.csv"]));
    expect(new Set(rows).size).toBe(rows.length);
    expect(rows.some((path) => path?.startsWith("Documents/"))).toBe(true);
  });
});
