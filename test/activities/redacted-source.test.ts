import { expect, it } from "vitest";
import { withChosenColumns } from "../../activities/chosen-columns.ts";
import { redactSource } from "../../activities/redacted-source.ts";
import { createRedactor } from "../../core/redact.ts";
import type { EntityReadSpec, NamedColumns, Source } from "../../providers/provider.ts";

it("hands on all that a source is asked with", async () => {
  const asked: unknown[] = [];
  const source: Pick<Source, "discover"> = {
    discover: async (...request) => {
      asked.push(request);
      return [];
    },
  };
  const known = new Map<string, EntityReadSpec>();
  const named = new Map<string, NamedColumns>([["orders", { names: { id: "id" } }]]);
  const redacted = redactSource(source as Source, createRedactor());
  await redacted.discover(["orders"], known, named);
  await withChosenColumns(redacted, { resources: { orders: { exclude: ["note"] } } }).discover(
    ["orders"],
    known,
    named,
  );
  expect(asked).toEqual(Array(2).fill([["orders"], known, named]));
});
