import { describe, expect, test } from "vitest";
import { type EntityWork, firstPage, inDependencyOrder, MAX_SLICES_PER_PLAN } from "../../core/slices.ts";

type Entity = { entityKey: string; dependsOn: string[] };

/** `b<a` reads: b depends on a. */
function entitiesOf(...lines: string[]): Entity[] {
  return lines.map((line) => {
    const [entityKey = "", dependsOn = ""] = line.split("<");
    return { entityKey, dependsOn: dependsOn === "" ? [] : dependsOn.split(",") };
  });
}

const order = (...lines: string[]): string =>
  inDependencyOrder(entitiesOf(...lines))
    .map((e) => e.entityKey)
    .join(" ");

describe("inDependencyOrder", () => {
  test.each([
    { name: "nothing depends: the given order stays", lines: ["c", "a", "b"], expected: "c a b" },
    { name: "a dependency moves before its dependent", lines: ["items<orders", "orders"], expected: "orders items" },
    { name: "through several steps", lines: ["c<b", "b<a", "a"], expected: "a b c" },
    { name: "a diamond is visited once", lines: ["d<b,c", "b<a", "c<a", "a"], expected: "a b c d" },
    { name: "a dependency that was not selected does not count", lines: ["items<orders", "a"], expected: "items a" },
    { name: "itself", lines: ["a<a", "b"], expected: "a b" },
    { name: "a cycle of two is cut at its first member", lines: ["a<b", "b<a"], expected: "b a" },
    { name: "a cycle of three, with one beside it", lines: ["a<b", "b<c", "c<a", "d<a"], expected: "c b a d" },
    { name: "named twice", lines: ["b<a,a", "a"], expected: "a b" },
    { name: "none at all", lines: [], expected: "" },
  ])("$name", ({ lines, expected }) => {
    expect(order(...lines)).toBe(expected);
  });

  test("gives each entity once and after all it depends on, for 300 random graphs without cycles", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 300; round++) {
      const size = 1 + random(12);
      const graph = Array.from({ length: size }, (_, i) => ({
        entityKey: `e${i}`,
        dependsOn: Array.from({ length: i }, (_, j) => `e${j}`).filter(() => random(3) === 0),
      }));
      const shuffled = [...graph].sort(() => random(2) - 0.5);
      const ordered = inDependencyOrder(shuffled);
      expect([...ordered].sort((a, b) => a.entityKey.localeCompare(b.entityKey))).toEqual(
        [...graph].sort((a, b) => a.entityKey.localeCompare(b.entityKey)),
      );
      const place = new Map(ordered.map((entity, index) => [entity.entityKey, index]));
      for (const { entityKey, dependsOn } of ordered) {
        for (const key of dependsOn) expect(place.get(key)).toBeLessThan(place.get(entityKey) ?? -1);
      }
    }
  });

  test("changes nothing in what it was given", () => {
    const given = entitiesOf("b<a", "a");
    inDependencyOrder(given);
    expect(given).toEqual(entitiesOf("b<a", "a"));
  });
});

describe("firstPage", () => {
  const work = (entityKey: string, slices: number, swap = false): EntityWork => ({
    ...{ entityKey, dependsOn: [], swap },
    slices: Array.from({ length: slices }, (_, sliceNo) => ({ sliceNo, stage: 0, label: "1/1" })),
  });
  const keys = (page: { entities: EntityWork[]; more: boolean }) => [
    page.entities.map(({ entityKey }) => entityKey).join(" "),
    page.more,
  ];

  test("leaves out what has nothing to do, and keeps what has only to be swapped", () => {
    expect(keys(firstPage([work("a", 0), work("b", 1), work("c", 0, true)]))).toEqual(["b c", false]);
    expect(keys(firstPage([]))).toEqual(["", false]);
  });

  test("ends before the entity that would be one slice too many, and never before the first", () => {
    const full = work("a", MAX_SLICES_PER_PLAN);
    expect(keys(firstPage([full, work("b", 1)]))).toEqual(["a", true]);
    expect(keys(firstPage([work("a", MAX_SLICES_PER_PLAN + 1)]))).toEqual(["a", false]);
    expect(keys(firstPage([work("a", MAX_SLICES_PER_PLAN - 1), work("b", 1)]))).toEqual(["a b", false]);
  });

  test("fits into a payload, however long the names are", () => {
    const page = firstPage(Array.from({ length: 400 }, (_, i) => work(`${"\u00e9".repeat(500)}${i}`, 1)));
    expect(page.more).toBe(true);
    expect(page.entities.length).toBeGreaterThan(20);
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(64 * 1024);
  });
});
