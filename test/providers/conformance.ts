import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { TerminalError, TransientError } from "../../core/errors.ts";
import { createRedactor } from "../../core/redact.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { Batch } from "../../providers/batch.ts";
import { findProvider } from "../../providers/index.ts";
import type { EntityPlan, PlanRequest, Provider, ReadRequest, Source } from "../../providers/provider.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../support/shared-connection.ts";
import { createReadBack, type ReadBack } from "./read-back.ts";

/** What a provider's test hands in: a source with one entity of some 200 rows, several of them with the same cursor. */
export interface ProviderHarness {
  provider: Provider;
  config: Record<string, unknown>;
  secrets: Record<string, string>;
  sourceConfig: Record<string, unknown>;
  /** Each is refused by `connectionSchema`. */
  invalidConfigs: Record<string, unknown>[];
  /** Secrets that the source refuses. */
  wrongSecrets: Record<string, string>;
  entity: { entityKey: string; keyColumns: string[]; cursorField: string };
  /** A cursor state before every row of it. */
  oldestState: string;
  /** The entity's rows as `ReadBack` gives them. */
  expectedRows(): Promise<string[]>;
  /** The source sends nothing more from the middle of its next batch on. @returns undoes it */
  stall(): () => void;
  /** The source refuses for there being too much. @returns undoes it */
  throttle(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Every provider must pass. */
export function describeProvider(name: string, createHarness: () => Promise<ProviderHarness>): void {
  describe(`provider ${name}`, () => {
    let harness: ProviderHarness;
    let client: pg.Client;

    beforeAll(async () => {
      harness = await createHarness();
      client = new pg.Client(inject("postgresUrl"));
      await client.connect();
    });
    afterAll(async () => {
      await client.end();
      await harness.close();
    });

    async function withSource<T>(
      work: (source: Source) => Promise<T>,
      options: { secrets?: Record<string, string>; signal?: AbortSignal } = {},
    ): Promise<T> {
      const { provider, secrets } = harness;
      const source = provider.connect({
        config: provider.connectionSchema.parse(harness.config),
        sourceConfig: provider.sourceConfigSchema.parse(harness.sourceConfig),
        secrets: options.secrets ?? secrets,
        signal: options.signal ?? new AbortController().signal,
        redactor: createRedactor(Object.values(options.secrets ?? secrets)),
        shared: createSharedConnection(options.secrets ?? secrets),
        egress: LOOPBACK_EGRESS,
      });
      try {
        return await work(source);
      } finally {
        await source.close();
      }
    }

    const planned = (changes: Partial<PlanRequest> = {}): Promise<EntityPlan> =>
      withSource((source) => source.plan({ ...FULL_SCAN, ...harness.entity, ...changes }));

    /** Small pages; `batchRows` below the number of rows that share a cursor. */
    function readRequest(plan: EntityPlan, sliceNo: number, checkpoint: Checkpoint, batchRows = 30): ReadRequest {
      const slice = plan.slices[sliceNo];
      if (slice === undefined) throw new Error(`the plan has no slice ${sliceNo}`);
      return { spec: plan.spec, window: slice.window, checkpoint, batchRows, batchBytes: 2 ** 30 };
    }

    /** Reads on from a checkpoint, as JSON took it to the ledger and back. */
    async function readOn(request: ReadRequest, readBack: ReadBack, stopAfter = Number.POSITIVE_INFINITY) {
      const pages: { rows: string[]; checkpoint: Checkpoint; final: boolean }[] = [];
      await withSource(async (source) => {
        for await (const batch of source.read({ ...request, checkpoint: asStored(request.checkpoint) })) {
          if (pages.length === stopAfter) return;
          pages.push({ rows: await readBack.rowsOf(batch), checkpoint: batch.checkpoint, final: batch.final });
        }
      });
      return pages;
    }

    async function readAll(plan: EntityPlan, batchRows?: number): Promise<string[]> {
      const readBack = await createReadBack(client, plan.spec.columns);
      const rows: string[] = [];
      for (const sliceNo of plan.slices.keys()) {
        const pages = await readOn(readRequest(plan, sliceNo, null, batchRows), readBack);
        rows.push(...pages.flatMap((page) => page.rows));
      }
      return rows;
    }

    it("is in the registry under its own key", () => {
      expect(findProvider(harness.provider.key)).toBe(harness.provider);
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
      const checks = await withSource((source) => source.check());
      expect(checks.filter((check) => !check.ok)).toEqual([]);
      expect(checks.length).toBeGreaterThan(0);
    });

    it("discovers the entity with columns that Postgres knows, a key and a cursor among them", async () => {
      const { entityKey, keyColumns, cursorField } = harness.entity;
      const [found, ...others] = await withSource((source) => source.discover([entityKey, "no.such_entity"]));
      expect(others).toEqual([]);
      const names = found?.columns.map((column) => column.name) ?? [];
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining([...keyColumns, cursorField]));
      expect(found).toMatchObject({ entityKey, primaryKeyColumns: keyColumns });
      expect(found?.cursorFields[0]).toBe(cursorField);
      await createReadBack(client, found?.columns ?? []);
    });

    it.each([
      ["one slice", { windows: false }],
      ["windows", { windows: true, windowSize: "50" }],
    ])("reads every row once in %s", async (_, changes) => {
      const plan = await planned(changes);
      if (changes.windows && plan.slices[0]?.window.by === "key") expect(plan.slices.length).toBeGreaterThan(2);
      expect((await readAll(plan)).sort()).toEqual((await harness.expectedRows()).sort());
    });

    it("gives JSON for what is stored: spec, windows and checkpoints", async () => {
      const plan = await planned();
      expect(asStored(plan)).toEqual(plan);
    });

    it("reads every row once by cursor from an old state, whatever rows share a cursor at a batch's edge", async () => {
      const plan = await planned({ scan: "incremental", cursorState: harness.oldestState });
      for (const batchRows of [1, 3, 7]) {
        expect((await readAll(plan, batchRows)).sort(), `batches of ${batchRows}`).toEqual(
          (await harness.expectedRows()).sort(),
        );
      }
    });

    it("reads nothing new when nothing is new, and says what it looked at", async () => {
      const { upperBound, tail = {} } = await planned();
      const plan = await planned({ scan: "incremental", cursorState: upperBound, tail });
      expect(plan.slices).toEqual([]);
      expect(plan.evidence).toMatchObject({ count: 0 });
      expect(plan.upperBound).not.toBeNull();
    });

    it.each([{ windows: false }, { windows: true }])(
      "plans a window of a backfill that has an end, whatever the cursor state is: %o",
      async ({ windows }) => {
        const between = { from: "1990-01-01", to: "2090-01-01" };
        const plan = await planned({ between, windows, cursorState: "2080-01-01T00:00:00Z" });
        expect((await readAll(plan)).sort()).toEqual((await harness.expectedRows()).sort());
        expect(plan.upperBound).toBeNull();
        expect(plan.slices.map(({ window }) => window)).toEqual(
          plan.slices.map(() =>
            expect.objectContaining({ by: "time", from: expect.any(String), to: expect.any(String) }),
          ),
        );
        const before = await planned({ between: { from: "1990-01-01", to: "1990-02-01" }, windows });
        expect(await readAll(before)).toEqual([]);
      },
    );

    it("resumes from any batch and loses and doubles nothing", async () => {
      const plan = await planned();
      const readBack = await createReadBack(client, plan.spec.columns);
      const pages = await readOn(readRequest(plan, 0, null), readBack);
      expect(pages.length).toBeGreaterThan(3);
      expect(pages.map((page) => page.final)).toEqual(pages.map((_, i) => i === pages.length - 1));
      for (const [i, page] of pages.entries()) {
        const rest = await readOn(readRequest(plan, 0, page.checkpoint), readBack);
        const before = pages.slice(0, i + 1).flatMap(({ rows }) => rows);
        const all = [...before, ...rest.flatMap(({ rows }) => rows)];
        expect(all.sort(), `after batch ${i + 1}`).toEqual((await harness.expectedRows()).sort());
      }
    });

    it("can be killed within any page: the next one goes on from the last checkpoint", async () => {
      const plan = await planned();
      const readBack = await createReadBack(client, plan.spec.columns);
      const pageCount = (await readOn(readRequest(plan, 0, null), readBack)).length;
      for (let killed = 0; killed < pageCount; killed++) {
        const before = await readOn(readRequest(plan, 0, null), readBack, killed);
        const rest = await readOn(readRequest(plan, 0, before.at(-1)?.checkpoint ?? null), readBack);
        expect([...before, ...rest].flatMap(({ rows }) => rows).sort(), `killed in page ${killed + 1}`).toEqual(
          (await harness.expectedRows()).sort(),
        );
      }
    });

    it("gives the same page when it is read again", async () => {
      const plan = await planned();
      const readBack = await createReadBack(client, plan.spec.columns);
      const pages = await readOn(readRequest(plan, 0, null), readBack);
      for (const [i, page] of pages.entries()) {
        const again = await readOn(readRequest(plan, 0, pages[i - 1]?.checkpoint ?? null), readBack, 1);
        expect(again).toEqual([page]);
      }
    });

    it("stops within a second when it is aborted in the middle of a batch", async () => {
      const plan = await planned();
      const controller = new AbortController();
      const reason = new Error("the run was cancelled");
      const heal = harness.stall();
      try {
        const reading = withSource(
          async (source) => {
            for await (const batch of source.read(readRequest(plan, 0, null, 1_000_000))) await consume(batch);
          },
          { signal: controller.signal },
        );
        const outcome = reading.then(
          () => "read to the end",
          (error: unknown) => error,
        );
        await new Promise((resolve) => setTimeout(resolve, 500));
        const abortedAt = Date.now();
        controller.abort(reason);
        expect(await outcome).toBe(reason);
        expect(Date.now() - abortedAt).toBeLessThan(1_000);
      } finally {
        heal();
      }
      expect((await readAll(plan)).length).toBe((await harness.expectedRows()).length);
    });

    it("meets a source that throttles with a TransientError that says when to come back", async () => {
      const undo = await harness.throttle();
      try {
        const error = await planned().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(TransientError);
        expect(error).toMatchObject({ reasonCode: "source_rate_limited" });
        expect((error as TransientError).retryAfterSeconds).toBeGreaterThan(0);
      } finally {
        await undo();
      }
    });

    it("meets wrong credentials with a TerminalError that does not show them, and its check reports it", async () => {
      const secrets = harness.wrongSecrets;
      const error = await withSource((source) => source.plan({ ...FULL_SCAN, ...harness.entity }), { secrets }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(TerminalError);
      expect(error).toMatchObject({ reasonCode: expect.stringMatching(/^source_auth_(failed|expired)$/) });
      for (const secret of Object.values(secrets)) expect((error as TerminalError).message).not.toContain(secret);
      const checks = await withSource((source) => source.check(), { secrets });
      expect(checks.filter((check) => !check.ok)).toEqual([
        expect.objectContaining({ ok: false, message: expect.stringMatching(/./), fix: expect.stringMatching(/./) }),
      ]);
    });

    it("says so when there is no such entity", async () => {
      const error = await planned({ entityKey: "no.such_entity" }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TerminalError);
      expect(error).toMatchObject({
        reasonCode: expect.stringMatching(/^(source_resource_not_found|entity_unknown)$/),
      });
    });

    it("is not moving while nothing is in flight", async () => {
      expect(await withSource((source) => source.probe())).toBe("none");
    });
  });
}

const FULL_SCAN: Omit<PlanRequest, "entityKey" | "keyColumns" | "cursorField"> = {
  scan: "full",
  cursorState: null,
  windows: false,
  windowSize: null,
  maxSlices: 100,
  lookbackSeconds: null,
  safetyLagSeconds: null,
  catchUp: false,
  removes: false,
  between: null,
};

function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

async function consume(batch: Batch): Promise<void> {
  if (batch.kind !== "copy") return;
  for await (const _ of batch.stream);
}
