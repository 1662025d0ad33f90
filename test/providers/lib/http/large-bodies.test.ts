import { expect, it } from "vitest";
import { createLargeBodies, ofOneClient } from "../../../../providers/lib/http/large-bodies.ts";

const forever = new AbortController().signal;
/** Long enough for whoever has leave to hear of it. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("a source holds one large body at a time, and does not keep the others from theirs", async () => {
  const bodies = createLargeBodies({ coming: 2, come: 2 });
  const taken: string[] = [];
  const take = async (name: string, source: string) => {
    const body = await bodies.take(source, forever);
    taken.push(name);
    return body;
  };
  const hostile = [take("a1", "a"), take("a2", "a"), take("a3", "a")];
  const neighbours = [take("b1", "b"), take("c1", "c")];
  await settled();
  expect(taken).toEqual(["a1", "b1"]);
  const first = await hostile[0];
  first?.letGo();
  first?.letGo();
  await settled();
  expect(taken).toEqual(["a1", "b1", "a2"]);
  (await neighbours[0])?.letGo();
  await settled();
  expect(taken).toEqual(["a1", "b1", "a2", "c1"]);
});

it("who is aborted while it waits leaves the queue", async () => {
  const bodies = createLargeBodies({ coming: 1, come: 1 });
  const first = await bodies.take("a", forever);
  const abort = new AbortController();
  const waiting = bodies.take("b", abort.signal);
  abort.abort(new Error("cancelled"));
  await expect(waiting).rejects.toThrow("cancelled");
  first.letGo();
  await bodies.take("c", forever);
});

it("a client that is closed gives back what it held", async () => {
  const bodies = createLargeBodies({ coming: 1, come: 1 });
  const client = ofOneClient(bodies);
  await client.take("a", forever);
  client.letGoAll();
  await bodies.take("b", forever);
});

it("one that comes slowly keeps nobody from reading what has come", async () => {
  const bodies = createLargeBodies({ coming: 3, come: 1 });
  await bodies.take("slow", forever);
  const fast = await bodies.take("fast", forever);
  await fast.come(forever);
  const next = await bodies.take("next", forever);
  let isRead = false;
  const reading = next.come(forever).then(() => {
    isRead = true;
  });
  await settled();
  expect(isRead).toBe(false);
  fast.letGo();
  await reading;
});

it("one that is given up while it waits to be read leaves its place to others", async () => {
  const bodies = createLargeBodies({ coming: 2, come: 1 });
  const first = await bodies.take("first", forever);
  await first.come(forever);
  const givenUp = await bodies.take("given up", forever);
  const abort = new AbortController();
  const reading = givenUp.come(abort.signal);
  abort.abort(new Error("cancelled"));
  await expect(reading).rejects.toThrow("cancelled");
  givenUp.letGo();
  first.letGo();
  const last = await bodies.take("given up", forever);
  await last.come(forever);
});
