import { describe, expect, it } from "vitest";
import { choicePath, chooseColumns, columnChoicesOf } from "../../core/column-choice.ts";
import { findKeyFault } from "../../core/key-faults.ts";

describe("the choice of an entity's columns", () => {
  const source = { columns: ["id", "name", "email"], open: false };

  it.each([
    [{ exclude: ["email"] }, { leftOut: ["email"], unknown: [] }],
    [{ columns: ["id", "name"] }, { leftOut: ["email"], unknown: [] }],
    [{ columns: ["id", "mail"] }, { leftOut: ["name", "email"], unknown: ["mail"] }],
    [{ exclude: ["mail"] }, { leftOut: [], unknown: ["mail"] }],
  ])("%j leaves out what it does not choose, and tells names that the source does not have", (choice, chosen) => {
    expect(chooseColumns(choice, source)).toEqual(chosen);
  });

  it("may exclude a field that no sample shows, but not read one", () => {
    const open = { ...source, open: true };
    expect(chooseColumns({ exclude: ["ssn"] }, open)).toEqual({ leftOut: [], unknown: [] });
    expect(chooseColumns({ columns: ["id", "ssn"] }, open).unknown).toEqual(["ssn"]);
  });

  it("is found by entityKey, and not among other settings of a resource", () => {
    const resources = { a: { exclude: ["x"] }, b: { maxPages: 3 } };
    expect([...columnChoicesOf({ resources }).keys()]).toEqual(["a"]);
    expect(columnChoicesOf({}).size).toBe(0);
    // Tables that are made of files.
    const files = [
      { name: "f", pathGlob: "*" },
      { name: "g", exclude: ["email"] },
    ];
    expect([...columnChoicesOf({ files, resources: { h: { columns: ["id"] } } }).keys()]).toEqual(["g", "h"]);
    expect([...columnChoicesOf({ resources: files }).keys()]).toEqual(["g"]);
    expect(choicePath({ resources: files }, "g")).toEqual(["resources", 1]);
    expect(choicePath({ files, resources: {} }, "f")).toEqual(["files", 0]);
    expect(choicePath({ files, resources: {} }, "h")).toEqual(["resources", "h"]);
  });
});

describe("an entity that cannot have a key", () => {
  const keyless = { keyless: "other tables inherit from it" };

  it("is refused for load modes that need one, and wherever one is given", () => {
    expect(findKeyFault(keyless, { loadMode: "upsert", given: undefined })?.fix).toMatch(/replace or append_event/);
    expect(findKeyFault(keyless, { loadMode: "append_event", given: ["id"] })?.fix).toMatch(
      /Leave primaryKeyColumns out/,
    );
  });

  it("is loaded without one by load modes that need none", () => {
    expect(findKeyFault(keyless, { loadMode: "replace", given: undefined })).toBeNull();
    expect(findKeyFault({}, { loadMode: "upsert", given: ["id"] })).toBeNull();
  });
});
