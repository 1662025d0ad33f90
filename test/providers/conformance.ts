import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { TerminalError } from "../../core/errors.ts";
import { findProvider } from "../../providers/index.ts";
import { describeChanges } from "./conformance/changes.ts";
import { describeFaults } from "./conformance/faults.ts";
import { type Part, type ProviderHarness, partsOf } from "./conformance/harness.ts";
import { asStored, createReader, type Reader } from "./conformance/reader.ts";
import { createReadBack } from "./read-back.ts";

export type { ProviderHarness } from "./conformance/harness.ts";

/**
 * Every provider must pass.
 * @param has what the source has besides rows that can be read as a whole: each adds its checks, and the harness must have its part
 */
export function describeProvider(
  name: string,
  has: readonly Part[],
  createHarness: () => Promise<ProviderHarness>,
): void {
  describe(`provider ${name}`, () => {
    let harness: ProviderHarness;
    let client: pg.Client;
    let reader: Reader;

    beforeAll(async () => {
      harness = await createHarness();
      expect(partsOf(harness), "the parts of the harness are those that it was announced with").toEqual(
        [...has].sort(),
      );
      client = new pg.Client(inject("postgresUrl"));
      await client.connect();
      reader = createReader(harness, client);
    });
    afterAll(async () => {
      await client.end();
      await harness.close();
    });

    it("is in the registry under its own key", () => {
      if (!harness.unregistered) expect(findProvider(harness.provider.key)).toBe(harness.provider);
    });

    it("declares a catalog that a client can rely on", () => {
      const { provider } = harness;
      expect(provider.displayName).not.toBe("");
      expect(new Set(provider.resources.map(({ entityKey }) => entityKey)).size).toBe(provider.resources.length);
      const known = new Set(provider.resources.map(({ entityKey }) => entityKey));
      for (const resource of provider.resources) {
        expect(resource.dependsOn.filter((key) => !known.has(key))).toEqual([]);
        expect(resource.description).not.toBe("");
      }
      for (const schema of [provider.connectionSchema, provider.sourceConfigSchema]) {
        expect(z.toJSONSchema(schema, { io: "input" })).toMatchObject({ type: "object", additionalProperties: false });
      }
    });

    it("accepts a right configuration and refuses wrong ones and unknown keys", () => {
      const { provider, config, sourceConfig, invalidConfigs } = harness;
      expect(provider.connectionSchema.safeParse(config).success).toBe(true);
      expect(provider.sourceConfigSchema.safeParse(sourceConfig).success).toBe(true);
      for (const invalid of [...invalidConfigs, { ...config, nonsense: 1 }]) {
        expect(provider.connectionSchema.safeParse(invalid).success, JSON.stringify(invalid)).toBe(false);
      }
      expect(provider.sourceConfigSchema.safeParse({ ...sourceConfig, nonsense: 1 }).success).toBe(false);
    });

    it("names the instance without a secret", () => {
      const instance = harness.provider.sourceInstanceKey(harness.provider.connectionSchema.parse(harness.config));
      expect(instance).not.toBe("");
      for (const secret of Object.values(harness.secrets)) expect(instance).not.toContain(secret);
    });

    it("passes its own check", async () => {
      const checks = await reader.withSource((source) => source.check());
      expect(checks.filter((check) => !check.ok)).toEqual([]);
      expect(checks.length).toBeGreaterThan(0);
    });

    it("discovers the entity with columns that Postgres knows, its key and cursor among them", async () => {
      const { entityKey, keyColumns, cursorField } = harness.entity;
      const [found, ...others] = await reader.withSource((source) => source.discover([entityKey, "no.such_entity"]));
      expect(others).toEqual([]);
      const names = found?.columns.map((column) => column.name) ?? [];
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining([...keyColumns, ...(cursorField === null ? [] : [cursorField])]));
      expect(found).toMatchObject({ entityKey, primaryKeyColumns: keyColumns });
      if (cursorField !== null) expect(found?.cursorFields[0]).toBe(cursorField);
      await createReadBack(client, found?.columns ?? []);
    });

    it.each([
      ["one slice", { windows: false }],
      ["windows", { windows: true, windowSize: "50" }],
    ])("reads every row once in %s", async (_, changes) => {
      const plan = await reader.planned(changes);
      if (changes.windows && plan.slices[0]?.window.by === "key") expect(plan.slices.length).toBeGreaterThan(2);
      expect((await reader.readAll(plan)).sort()).toEqual((await harness.expectedRows()).sort());
    });

    it("gives JSON for what is stored: spec, windows and checkpoints", async () => {
      const plan = await reader.planned();
      expect(asStored(plan)).toEqual(plan);
    });

    if (has.includes("cursor")) describeCursor(() => reader);

    it("resumes from any batch and loses and doubles nothing", async () => {
      const plan = await reader.planned();
      const readBack = await reader.readBackOf(plan);
      const pages = await reader.readOn(reader.requestOf(plan, 0, null), readBack);
      expect(pages.length).toBeGreaterThan(3);
      // The last one need not know that it is.
      expect(pages.slice(0, -1).map((page) => page.final)).toEqual(pages.slice(1).map(() => false));
      for (const [i, page] of pages.entries()) {
        // Nobody reads on from the last one, and a job is not in it any more.
        if (page.final && has.includes("job")) continue;
        const rest = await reader.readOn(reader.requestOf(plan, 0, page.checkpoint), readBack);
        const before = pages.slice(0, i + 1).flatMap(({ rows }) => rows);
        const all = [...before, ...rest.flatMap(({ rows }) => rows)];
        expect(all.sort(), `after batch ${i + 1}`).toEqual((await harness.expectedRows()).sort());
      }
    });

    it("can be killed within any page: the next one goes on from the last checkpoint", async () => {
      const plan = await reader.planned();
      const readBack = await reader.readBackOf(plan);
      const pageCount = (await reader.readOn(reader.requestOf(plan, 0, null), readBack)).length;
      for (let killed = 0; killed < pageCount; killed++) {
        const before = await reader.readOn(reader.requestOf(plan, 0, null), readBack, killed);
        const rest = await reader.readOn(reader.requestOf(plan, 0, before.at(-1)?.checkpoint ?? null), readBack);
        expect([...before, ...rest].flatMap(({ rows }) => rows).sort(), `killed in page ${killed + 1}`).toEqual(
          (await harness.expectedRows()).sort(),
        );
      }
    });

    it("gives the same page when it is read again", async () => {
      const plan = await reader.planned();
      const readBack = await reader.readBackOf(plan);
      const pages = await reader.readOn(reader.requestOf(plan, 0, null), readBack);
      for (const [i, page] of pages.entries()) {
        const again = await reader.readOn(reader.requestOf(plan, 0, pages[i - 1]?.checkpoint ?? null), readBack, 1);
        // A slice that begins anew makes a job of its own.
        if (has.includes("job")) expect(again.map(({ rows }) => rows)).toEqual([page.rows]);
        else expect(again).toEqual([page]);
      }
    });

    describeFaults(has, () => reader);
    describeChanges(has, () => reader);

    it("says so when there is no such entity", async () => {
      const error = await reader.planned({ entityKey: "no.such_entity" }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TerminalError);
      expect(error).toMatchObject({
        reasonCode: expect.stringMatching(/^(source_resource_not_found|entity_unknown)$/),
      });
    });

    it("is not moving while nothing is in flight", async () => {
      expect(await reader.withSource((source) => source.probe())).toBe("none");
    });
  });
}

/** Sources that can be asked for what has changed since a value of a column. */
function describeCursor(given: () => Reader): void {
  it("reads every row once by cursor from an old state, whatever rows share a cursor at a batch's edge", async () => {
    const reader = given();
    const plan = await reader.planned({ scan: "incremental", cursorState: reader.harness.oldestState ?? null });
    for (const batchRows of [1, 3, 7]) {
      expect((await reader.readAll(plan, batchRows)).sort(), `batches of ${batchRows}`).toEqual(
        (await reader.harness.expectedRows()).sort(),
      );
    }
  });

  it("reads nothing new when nothing is new, and says what it looked at", async () => {
    const reader = given();
    const { upperBound, tail = {} } = await reader.planned();
    const plan = await reader.planned({ scan: "incremental", cursorState: upperBound, tail });
    expect(plan.slices).toEqual([]);
    expect(plan.evidence).toMatchObject({ count: 0 });
    expect(plan.upperBound).not.toBeNull();
  });

  it.each([{ windows: false }, { windows: true }])(
    "plans a window of a backfill that has an end, whatever the cursor state is: %o",
    async ({ windows }) => {
      const reader = given();
      const between = { from: "1990-01-01", to: "2090-01-01" };
      const plan = await reader.planned({ between, windows, cursorState: "2080-01-01T00:00:00Z" });
      expect((await reader.readAll(plan)).sort()).toEqual((await reader.harness.expectedRows()).sort());
      expect(plan.upperBound).toBeNull();
      expect(plan.slices.map(({ window }) => window)).toEqual(
        plan.slices.map(() =>
          expect.objectContaining({ by: "time", from: expect.any(String), to: expect.any(String) }),
        ),
      );
      const before = await reader.planned({ between: { from: "1990-01-01", to: "1990-02-01" }, windows });
      expect(await reader.readAll(before)).toEqual([]);
    },
  );
}
