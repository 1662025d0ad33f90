import { expect, it } from "vitest";
import { createLargeBodies, ofOneClient } from "../../../../providers/lib/http/large-bodies.ts";

const forever = new AbortController().signal;
/** Long enough for whoever has leave to hear of it. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("a source holds one large body at a time, and does not keep the others from theirs", async () => {
  const bodies = createLargeBodies(2);
  const taken: string[] = [];
  const take = async (name: string, source: string) => {
    const letGo = await bodies.take(source, forever);
    taken.push(name);
    return letGo;
  };
  const hostile = [take("a1", "a"), take("a2", "a"), take("a3", "a")];
  const neighbours = [take("b1", "b"), take("c1", "c")];
  await settled();
  expect(taken).toEqual(["a1", "b1"]);
  const letGo = await hostile[0];
  letGo?.();
  letGo?.();
  await settled();
  expect(taken).toEqual(["a1", "b1", "a2"]);
  (await neighbours[0])?.();
  await settled();
  expect(taken).toEqual(["a1", "b1", "a2", "c1"]);
});

it("who is aborted while it waits leaves the queue", async () => {
  const bodies = createLargeBodies(1);
  const letGo = await bodies.take("a", forever);
  const abort = new AbortController();
  const waiting = bodies.take("b", abort.signal);
  abort.abort(new Error("cancelled"));
  await expect(waiting).rejects.toThrow("cancelled");
  letGo();
  await bodies.take("c", forever);
});

it("a client that is closed gives back what it held", async () => {
  const bodies = createLargeBodies(1);
  const client = ofOneClient(bodies);
  await client.take("a", forever);
  client.letGoAll();
  await bodies.take("b", forever);
});
