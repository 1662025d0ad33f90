import { describe, expect, it } from "vitest";
import { linkTo } from "../../../../providers/lib/rest/link-header.ts";
import { selectAll, selectOne, withValueAt } from "../../../../providers/lib/rest/selector.ts";
import { fill, fillBody, parentFieldsIn } from "../../../../providers/lib/rest/templates.ts";

describe("paths into JSON", () => {
  const body = { data: { list: [{ node: { id: 1 } }, { node: { id: 2 } }] }, none: [], nothing: null, "a.b": 7 };

  it.each([
    ["$", [body]],
    ["data.list", [body.data.list]],
    ["data.list[*]", body.data.list],
    ["data.list[*].node", [{ id: 1 }, { id: 2 }]],
    ["data.list[*].node.id", [1, 2]],
    ["none[*]", []],
    ["none[*].id", []],
    ["nothing", [null]],
  ])("%s finds what is there", (path, found) => {
    expect(selectAll(body, path)).toEqual(found);
  });

  it.each(["absent", "data.absent[*]", "data.list[*].absent", "nothing.id", "toString", "data.list.length"])(
    "%s leads nowhere, which is not the same as an empty list",
    (path) => {
      expect(selectAll(body, path)).toBeNull();
    },
  );

  it("takes a name with dots for a name first", () => {
    expect(selectOne(body, "a.b")).toBe(7);
    expect(selectOne({ a: { b: 8 } }, "a.b")).toBe(8);
  });

  it("sets a value deep in a copy", () => {
    const before = { query: "q", variables: { first: 10 } };
    expect(withValueAt(before, "variables.after", "t")).toEqual({ query: "q", variables: { first: 10, after: "t" } });
    expect(before).toEqual({ query: "q", variables: { first: 10 } });
  });
});

describe("placeholders", () => {
  const values = { start: "2026-01-01", end: null, parent: { id: 5, name: "a/b", owner: { id: "x" }, none: null } };

  it("are filled from window and parent, and encoded", () => {
    expect(fill("/c/{parent.id}/{parent.name}/{parent.owner.id}", values, encodeURIComponent)).toBe("/c/5/a%2Fb/x");
    expect(fill("updated_at:>{start}", values, (text) => text)).toBe("updated_at:>2026-01-01");
  });

  it("without a value leave out what they stand in", () => {
    expect(fill("{start}..{end}", values, (text) => text)).toBeNull();
    expect(fill("{parent.none}", values, (text) => text)).toBeNull();
    expect(fillBody({ a: { since: "{start}", until: "{end}" }, b: ["{end}", 1], c: "{ id }" }, values)).toEqual({
      a: { since: "2026-01-01" },
      b: [1],
      c: "{ id }",
    });
  });

  it("of parents are found wherever they stand", () => {
    const resource = {
      path: "/c/{parent.id}",
      query: { of: ["{parent.name}", "{parent.id}"] },
      json: { x: { y: "{parent.z}" } },
    };
    expect(parentFieldsIn(resource)).toEqual(["id", "name", "z"]);
  });
});

describe("Link headers", () => {
  it.each([
    ['<https://a.test/?page=2>; rel="next"', "https://a.test/?page=2"],
    ['<https://a.test/?page=9>; rel="last", <https://a.test/?page=2>; rel="next"', "https://a.test/?page=2"],
    ["</orders?a=1,2>; rel=next", "/orders?a=1,2"],
    ['<x>; title="a, b; rel=next"; rel="prev", <y>; REL="start next"', "y"],
    ['<x>; rel="prev"', null],
    ["", null],
    [null, null],
  ])("%s", (header, link) => {
    expect(linkTo("http_api", header, "next")).toBe(link);
  });

  it("that cannot be read are an error, not the end", () => {
    expect(() => linkTo("http_api", "next: /orders?page=2", "next")).toThrow(/Link header cannot be read/);
  });
});
