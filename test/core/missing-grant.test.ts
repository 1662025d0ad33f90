import { describe, expect, it } from "vitest";
import { fixOfMissingGrant } from "../../core/missing-grant.ts";

describe("a missing grant", () => {
  it.each([
    ["source", "permission denied for schema shop", "Grant the user of the connection `usage` on schema shop."],
    ["source", "permission denied for table orders", "Grant the user of the connection `select` on table orders."],
    ["source", "permission denied for sequence ids", "Grant the user of the connection `select` on sequence ids."],
    [
      "source",
      "permission denied for materialized view Old Orders",
      "Grant the user of the connection `select` on materialized view Old Orders.",
    ],
    [
      "destination",
      "permission denied for schema shop",
      "Grant the destination's role `usage` and `create` on schema shop.",
    ],
    [
      "destination",
      "permission denied for database warehouse",
      "Grant the destination's role `create` and `temporary` on database warehouse.",
    ],
    [
      "destination",
      'permission denied to create temporary tables in database "warehouse"',
      "Grant the destination's role `temporary` on database warehouse.",
    ],
    ["destination", "permission denied for table g1_x", "Grant the destination's role `all` on table g1_x."],
    ["destination", "must be owner of table orders", "Make the destination's role the owner of table orders."],
    ["destination", "keine Berechtigung für Schema shop", null],
  ] as const)("of a %s: %s", (end, said, fix) => {
    expect(fixOfMissingGrant(end, said)).toBe(fix);
  });
});
