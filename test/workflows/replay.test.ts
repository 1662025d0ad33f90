import { fileURLToPath } from "node:url";
import { Worker } from "@temporalio/worker";
import { describe, expect, it } from "vitest";
import { PAYLOAD_CONVERTER_PATH } from "../../control/temporal.ts";
import { silenceTemporal } from "../support/foreign-worker.ts";
import { readHistories } from "../support/histories.ts";

/**
 * Runs that were begun by older code go on under this code. After a change that is meant to break this, workers drain
 * first (ARCHITECTURE.md), and RECORD_HISTORIES=1 with the tests in test/e2e records anew.
 */
describe("recorded histories", async () => {
  silenceTemporal();
  const histories = await readHistories();

  it("there are some of each kind", () => {
    expect(histories.map(({ name }) => name)).toEqual(
      // `swapped` is the last one of the version that called the activity `swapEntity`: it cannot be recorded anew.
      expect.arrayContaining(["cancelled", "finished", "partial", "succeeded", "swapped", "waited"]),
    );
  });

  it.each(histories)("$name replays without a difference", async ({ history }) => {
    await Worker.runReplayHistory(
      {
        workflowsPath: fileURLToPath(new URL("../../workflows/index.ts", import.meta.url)),
        dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
      },
      history,
    );
  });
});
