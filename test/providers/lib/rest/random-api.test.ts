import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { isProviderError } from "../../../../core/errors.ts";
import { createRedactor } from "../../../../core/redact.ts";
import type { Checkpoint } from "../../../../core/slices.ts";
import { httpApi } from "../../../../providers/http_api/index.ts";
import type { EntityReadSpec, PlanRequest, Source } from "../../../../providers/provider.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../../support/shared-connection.ts";
import { configOf, createRandomServer, type RandomApi, type RandomServer, randomApi } from "./random-api.ts";

/** Another seed, and more: `PAGING_SEED=7 PAGING_RUNS=20000 npx vitest run test/providers/lib/rest/random-api.test.ts`. */
const seed = Number(process.env.PAGING_SEED ?? 1);
const numRuns = Number(process.env.PAGING_RUNS ?? 300);

const PLAN: Omit<PlanRequest, "keyColumns" | "removes"> = {
  ...{ entityKey: "items", scan: "full" as const, cursorField: null, cursorState: null, windows: false },
  ...{ windowSize: null, maxSlices: 1, lookbackSeconds: null, safetyLagSeconds: null, between: null, catchUp: false },
};

async function open(server: RandomServer, api: RandomApi): Promise<Source> {
  return await httpApi.connect({
    config: httpApi.connectionSchema.parse(configOf(api, server.baseUrl)),
    sourceConfig: httpApi.sourceConfigSchema.parse({}),
    ...{ secrets: {}, redactor: createRedactor(), shared: createSharedConnection({}), egress: LOOPBACK_EGRESS },
    signal: new AbortController().signal,
  });
}

/** Reads a page a batch up to the final one; killed after so many batches. */
async function readSome(
  source: Source,
  spec: EntityReadSpec,
  checkpoint: Checkpoint,
  batches: number,
): Promise<{ ids: string[]; checkpoint: Checkpoint; isFinal: boolean; error: unknown }> {
  const ids: string[] = [];
  let [at, left] = [checkpoint, batches];
  const request = { spec, window: { by: "none" }, batchRows: 1, batchBytes: 2 ** 20 } as const;
  try {
    for await (const batch of source.read({ ...request, checkpoint })) {
      if (batch.kind === "rows") ids.push(...[...batch.rows].map(([id]) => String(id)));
      at = JSON.parse(JSON.stringify(batch.checkpoint));
      left -= 1;
      if (batch.final) return { ids, checkpoint: at, isFinal: true, error: null };
      if (left === 0) return { ids, checkpoint: at, isFinal: false, error: null };
    }
  } catch (error) {
    return { ids, checkpoint: at, isFinal: false, error };
  }
  return { ids, checkpoint: at, isFinal: true, error: null };
}

function withoutHashes(checkpoint: Checkpoint): Checkpoint {
  return JSON.parse(JSON.stringify(checkpoint, (name, value) => (name === "hashes" ? null : value)));
}

async function readAll(source: Source, api: RandomApi): Promise<{ ids: string[]; error: unknown }> {
  const { spec } = await source.plan({ ...PLAN, keyColumns: ["id"], removes: api.removes });
  const ids: string[] = [];
  let checkpoint: Checkpoint = null;
  for (const batches of [...api.kills, Number.POSITIVE_INFINITY]) {
    const read = await readSome(source, spec, checkpoint, batches);
    ids.push(...read.ids);
    if (read.error !== null || read.isFinal) return { ids, error: read.error };
    checkpoint = api.forgets ? withoutHashes(read.checkpoint) : read.checkpoint;
  }
  throw new Error("a read without kills did not end");
}

it(
  "every row of an API arrives, however it pages, or the read says that it could not prove it",
  async () => {
    const server = await createRandomServer();
    onTestFinished(() => server.close());
    const outcomes = { complete: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(randomApi, async (api) => {
        server.serve(api);
        const source = await open(server, api);
        try {
          const { ids, error } = await readAll(source, api);
          if (error !== null) {
            if (!isProviderError(error)) throw error;
            expect(error.message).toMatch(/listing of items/);
            outcomes.refused += 1;
            return;
          }
          const found = new Set(ids);
          expect(server.expected().filter((id) => !found.has(id))).toEqual([]);
          outcomes.complete += 1;
        } finally {
          await source.close();
        }
      }),
      { seed, numRuns },
    );
    // Neither answer alone would prove anything.
    expect(outcomes.complete).toBeGreaterThan(numRuns / 3);
    expect(outcomes.refused).toBeGreaterThan(numRuns / 50);
  },
  120_000 + numRuns * 500,
);
