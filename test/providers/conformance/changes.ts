import { expect, it } from "vitest";
import { isProviderError } from "../../../core/errors.ts";
import type { Cells } from "../../../core/row-list.ts";
import type { KeyRows } from "../../../providers/batch.ts";
import type { Part } from "./harness.ts";
import { type Page, type Reader, stateAfter } from "./reader.ts";

/** What a source tells besides the rows that are there: deletes, sets of children, the token of a feed. These checks change the source. */
export function describeChanges(has: readonly Part[], given: () => Reader): void {
  if (has.includes("feed"))
    it("ends a feed with the token that the next run starts from, and that gives nothing when nothing is new", async () => {
      const { planned, readOn, requestOf, readBackOf } = given();
      const plan = await planned();
      expect(plan.evidence.cursorFollows).toBe("feed");
      expect(plan.slices).toHaveLength(1);
      const readBack = await readBackOf(plan);
      const pages = await readOn(requestOf(plan, 0, null), readBack);
      for (const page of pages.slice(0, -1)) expect(page.checkpoint?.cursor).toBeUndefined();
      const cursorState = stateAfter(plan, pages);
      expect(cursorState).toEqual(expect.any(String));
      const next = await planned({ scan: "incremental", cursorState });
      const more = await Promise.all(next.slices.map((_, i) => readOn(requestOf(next, i, null), readBack)));
      expect(more.flat().flatMap(({ rows }) => rows)).toEqual([]);
    });

  if (has.includes("children"))
    it("gives all children of each parent, and the set that the source has of a parent that changed", async () => {
      const reader = given();
      const { harness, planned } = reader;
      const { children } = harness;
      if (children === undefined) return;
      const plan = await planned();
      const pages = await readSlices(reader, plan);
      expect((await childRowsOf(reader, plan, pages)).sort()).toEqual((await children.expectedRows()).sort());
      const parent = await children.change();
      const next = await planned({ scan: "incremental", cursorState: stateAfter(plan, pages) });
      expectWholeSet(reader, await readSlices(reader, next), parent, (await childrenOf(reader, parent)).length);
    });

  if (has.includes("children"))
    it("gives no set of children that was cut: the set comes whole when it is read again", async () => {
      const reader = given();
      const { children } = reader.harness;
      if (children === undefined) return;
      const plan = await reader.planned();
      children.cut();
      const readBack = await reader.readBackOf(plan);
      const before = await reader
        .readOn(reader.requestOf(plan, 0, null), readBack)
        .catch((error: unknown) => (isProviderError(error) ? [] : Promise.reject(error)));
      const pages = before.at(-1)?.final ? before : [...before, ...(await readSlices(reader, plan))];
      expect([...new Set(await childRowsOf(reader, plan, pages))].sort()).toEqual(
        (await children.expectedRows()).sort(),
      );
    });

  if (has.includes("deletes"))
    it("tells what the source has deleted since the run before", async () => {
      const reader = given();
      const { harness, planned } = reader;
      const plan = await planned();
      const pages = await readSlices(reader, plan);
      const key = (await harness.deletes?.remove()) ?? [];
      const next = await planned({ scan: "incremental", cursorState: stateAfter(plan, pages) });
      const deletes = (await readSlices(reader, next)).flatMap(({ tables }) => {
        const rows = tables?.[harness.entity.entityKey]?.deletes;
        return rows === undefined ? [] : [rows];
      });
      expect(deletes.flatMap((each) => cellsAt(each, harness.entity.keyColumns))).toContainEqual(key);
    });

  if (has.includes("feed"))
    it("says when its feed has expired, and then reads everything that is there", async () => {
      const reader = given();
      const { harness, planned } = reader;
      const plan = await planned();
      const cursorState = stateAfter(plan, await readSlices(reader, plan));
      harness.feed?.expire();
      const expired = async () => readSlices(reader, await planned({ scan: "incremental", cursorState }));
      await expect(expired()).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_cursor_expired" });
      const anew = await planned({ scan: "full", resync: true, cursorState });
      const pages = await readSlices(reader, anew);
      expect(pages.flatMap(({ rows }) => rows).sort()).toEqual((await harness.expectedRows()).sort());
      expect(stateAfter(anew, pages)).not.toBe(cursorState);
    });

  async function readSlices({ readOn, requestOf, readBackOf }: Reader, plan: Awaited<ReturnType<Reader["planned"]>>) {
    const readBack = await readBackOf(plan);
    const pages: Page[] = [];
    for (const sliceNo of plan.slices.keys()) pages.push(...(await readOn(requestOf(plan, sliceNo, null), readBack)));
    return pages;
  }

  async function childRowsOf(reader: Reader, plan: Awaited<ReturnType<Reader["planned"]>>, pages: readonly Page[]) {
    const { children } = reader.harness;
    const entityKey = children?.member.entityKey ?? "";
    const readBack = await reader.readBackOf(plan, entityKey);
    const rows: string[] = [];
    for (const { tables = {}, checkpoint, final } of pages)
      rows.push(...(await readBack.rowsOf({ kind: "tables", tables, checkpoint, final }, entityKey)));
    return rows;
  }

  /** Of the source's children those of one parent, by a plan that reads everything. */
  async function childrenOf(reader: Reader, parent: string[]): Promise<Cells[]> {
    const pages = await readSlices(reader, await reader.planned());
    return pages.flatMap((page) => setRowsOf(reader, page, parent));
  }

  function setRowsOf({ harness: { children } }: Reader, { tables = {} }: Page, parent: string[]): Cells[] {
    const table = tables[children?.member.entityKey ?? ""];
    if (table === undefined || children === undefined) return [];
    const places = children.parentColumns.map((name) => table.columns.indexOf(name));
    return [...table.rows].filter((row) => places.every((place, i) => row[place] === parent[i]));
  }

  function expectWholeSet(reader: Reader, pages: readonly Page[], parent: string[], size: number): void {
    const { children } = reader.harness;
    if (children === undefined) return;
    const own = pages.filter(({ tables = {} }) => {
      const sets = tables[children.member.entityKey]?.sets;
      return sets !== undefined && cellsAt(sets, children.parentColumns).some((key) => isSame(key, parent));
    });
    expect(own.length, "the changed parent has a set").toBeGreaterThan(0);
    for (const page of own) expect(setRowsOf(reader, page, parent)).toHaveLength(size);
  }
}

function cellsAt({ columns, rows }: KeyRows, names: readonly string[]): Cells[] {
  const places = names.map((name) => columns.indexOf(name));
  return [...rows].map((row) => places.map((place) => row[place] ?? null));
}

function isSame(a: Cells, b: readonly string[]): boolean {
  return a.length === b.length && a.every((cell, i) => cell === b[i]);
}
