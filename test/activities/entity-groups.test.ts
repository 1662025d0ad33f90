import { describe, expect, it } from "vitest";
import { discoverWithParents, groupBindings, leadKeyOf, requireLead } from "../../activities/entity-groups.ts";
import { resolveTable, sharedStart } from "../../activities/plan-group.ts";
import type { BindingRow } from "../../db/bindings.ts";
import type { EntitySchema } from "../../providers/provider.ts";

function schema(entityKey: string, childOf?: string): EntitySchema {
  return {
    ...{ entityKey, displayName: entityKey, description: "", columns: [], primaryKeyColumns: [], cursorFields: [] },
    ...{ loadMode: "upsert", dependsOn: [], slicing: { by: "none" }, sizeClass: "s", estimatedRows: null },
    ...(childOf === undefined ? {} : { childOf }),
  };
}

const SCHEMAS = [
  schema("customers"),
  schema("orders"),
  schema("lines", "orders"),
  schema("refunds", "orders"),
  schema("refund_lines", "refunds"),
];
const found = new Map(SCHEMAS.map((each) => [each.entityKey, each]));
const bindings = (...entityKeys: string[]) => entityKeys.map((entityKey) => ({ entityKey }) as BindingRow);
const state = (cursor: string | null) => ({ state: { version: 1, cursor, tail: null, createdBy: null } });

describe("a group", () => {
  it("is a parent and all that its answers feed, however far down; others are groups of their own", () => {
    const groups = groupBindings(bindings("customers", "lines", "orders", "refund_lines"), found);
    expect(groups.map(({ leadKey, bindings: of }) => [leadKey, of.map(({ entityKey }) => entityKey)])).toEqual([
      ["customers", ["customers"]],
      ["orders", ["orders", "lines", "refund_lines"]],
    ]);
  });

  it("has its parent also where that is not selected, and where the source does not have it", () => {
    expect(groupBindings(bindings("lines"), found)).toMatchObject([{ leadKey: "orders" }]);
    const lost = new Map([["lines", schema("lines", "orders")]]);
    const [group] = groupBindings(bindings("lines"), lost);
    expect(group?.leadKey).toBe("orders");
    expect(() => group && requireLead(group, lost)).toThrow("The source has no orders, from which lines are read.");
  });

  it("that goes in a circle is cut, and does not hang", () => {
    const circle = new Map([schema("a", "b"), schema("b", "a")].map((each) => [each.entityKey, each]));
    expect(leadKeyOf("a", circle)).toBe("b");
  });

  it("has a parent by the source's own key alone: its children find it by that", () => {
    const column = (name: string) => ({ name, type: "bigint", nullable: false });
    const orders = { ...schema("orders"), columns: [column("id"), column("version")], primaryKeyColumns: ["id"] };
    const of = (primaryKeyColumns: string[]) =>
      ({ entityKey: "orders", loadMode: "upsert", primaryKeyColumns, given: { primaryKeyColumns } }) as BindingRow;
    const resolve = (key: string[], ...others: EntitySchema[]) =>
      resolveTable(of(key), new Map([orders, ...others].map((each) => [each.entityKey, each])));
    expect(() => resolve(["id", "version"], schema("lines", "orders"))).toThrow(/which find it by its key \(id\)/);
    expect(resolve(["id"], schema("lines", "orders")).resolved.keyColumns).toEqual(["id"]);
    expect(resolve(["id", "version"]).resolved.keyColumns).toEqual(["id", "version"]);
  });

  it("is discovered with the parents that nobody has selected, each asked for once", async () => {
    const asked: string[][] = [];
    const source = {
      discover: async (keys: string[] | null) => {
        asked.push(keys ?? []);
        return SCHEMAS.filter(({ entityKey }) => keys?.includes(entityKey));
      },
    };
    expect([...(await discoverWithParents(source, ["refund_lines", "gone"])).keys()]).toEqual([
      "refund_lines",
      "refunds",
      "orders",
    ]);
    expect(asked).toEqual([["refund_lines", "gone"], ["refunds"], ["orders"]]);
  });
});

describe("where a group is read from", () => {
  it("is the cursor that all of its tables share", () => {
    expect(sharedStart([state("a"), state("a")])).toBe("a");
    expect(sharedStart([{ state: null }, { state: null }])).toBeNull();
  });

  it("is the start where a table has none of its own, or another one: it would miss what the others have", () => {
    expect(sharedStart([state("a"), { state: null }])).toBeNull();
    expect(sharedStart([state("a"), state("b")])).toBeNull();
    expect(sharedStart([state("a"), state(null)])).toBeNull();
  });
});
