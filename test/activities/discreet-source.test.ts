import { expect, it } from "vitest";
import { discreetSource } from "../../activities/discreet-source.ts";
import { createRedactor } from "../../core/redact.ts";
import type { EntityReadSpec, Source } from "../../providers/provider.ts";

it("hands on all that a source is asked with", async () => {
  const asked: unknown[] = [];
  const source: Pick<Source, "discover"> = {
    discover: async (...request) => {
      asked.push(request);
      return [];
    },
  };
  const known = new Map<string, EntityReadSpec>();
  await discreetSource(source as Source, createRedactor()).discover(["orders"], known);
  expect(asked).toEqual([[["orders"], known]]);
});
