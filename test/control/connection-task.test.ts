import { randomUUID } from "node:crypto";
import { ApplicationFailure } from "@temporalio/common";
import { NativeConnection, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { runConnectionTask } from "../../control/connection-task.ts";
import { PAYLOAD_CONVERTER_PATH } from "../../control/temporal.ts";
import { queueOf, TASK_QUEUE } from "../../core/queues.ts";
import { silenceTemporal } from "../support/foreign-worker.ts";
import { createWorld, type World } from "../support/world.ts";

/** What a task that ended without an answer is told as, by workers whose activity ends as the test says. */
describe("a task of a connection that fails in the worker", () => {
  let world: World;
  let connection: NativeConnection;
  let end: () => Promise<never>;
  let stopping: Promise<unknown>;
  const workers: Worker[] = [];

  beforeAll(async () => {
    silenceTemporal();
    world = await createWorld();
    connection = await NativeConnection.connect({ address: world.temporalAddress });
    const shared = {
      ...{ connection, namespace: world.namespace },
      dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
    };
    workers.push(
      await Worker.create({
        ...{ ...shared, taskQueue: TASK_QUEUE },
        workflowBundle: { codePath: inject("workflowBundle") },
      }),
      await Worker.create({
        ...{ ...shared, taskQueue: queueOf("looks") },
        activities: { doConnectionTask: () => end() },
      }),
    );
    stopping = Promise.all(workers.map((worker) => worker.run()));
  });
  afterAll(async () => {
    for (const worker of workers) worker.shutdown();
    await stopping;
    await connection.close();
    await world.close();
  });

  const run = (what: "check" | "discovery", ids = { taskId: randomUUID(), connectionId: randomUUID() }) =>
    runConnectionTask({ db: world.db, client: world.temporal }, { ...ids, taskQueue: TASK_QUEUE, what });
  const failing = (type: string, message: string) => async () => {
    throw ApplicationFailure.create({ type, message, nonRetryable: true });
  };

  it.each([
    ["worker_shutdown", "The worker was stopped.", "check_failed", /was stopped\. Try again/],
    ["secret_unreadable", "A secret cannot be read.", "check_failed", /A secret cannot be read/],
    ["Error", "Activity function doConnectionTask is not registered.", "check_failed", /is not registered/],
    ["internal_error", "x is undefined", "internal_error", /met a defect: x is undefined/],
    ["source_timeout", "The source did not answer within 20 s.", "check_timeout", /did not answer within 20 s/],
  ])("is told as what it is, at once: %s", async (type, message, code, said) => {
    end = failing(type, message);
    const error = await run("check").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "AppError", code, message: expect.stringMatching(said) });
    expect(String(error)).not.toContain("within 30 s");
  });

  it("is told as ended by somebody else, where Temporal was told to", async () => {
    const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
    end = () => {
      begun.resolve();
      return over.promise;
    };
    const ids = { taskId: randomUUID(), connectionId: randomUUID() };
    const running = run("discovery", ids).catch((thrown: unknown) => thrown);
    await begun.promise;
    const workflow = world.temporal.workflow.getHandle(`connection-task/${ids.connectionId}/${ids.taskId}`);
    await workflow.terminate("by the test");
    expect(await running).toMatchObject({ code: "check_failed", message: expect.stringContaining("somebody else") });
    over.reject(new Error("nobody waits any more"));
  });
});
