import { once } from "node:events";
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A TCP proxy on 127.0.0.1 that breaks on demand. Bytes are counted on the way back, from the target to the caller. */
export interface FaultProxy {
  readonly port: number;
  /** Open connections. */
  connections(): number;
  /** Both directions stand still after that many more bytes; nothing is closed. */
  stall(afterBytes?: number): void;
  /** Those bytes have passed. */
  stalled(): boolean;
  /** Every open connection is reset after that many more bytes; new ones work. */
  cut(afterBytes?: number): void;
  /** Every open connection is reset, new ones are refused. */
  refuse(): void;
  /** Each chunk comes that much later. */
  delay(milliseconds: number): void;
  /** Everything works again, and what stood still goes on. */
  heal(): void;
  close(): Promise<void>;
}

export async function createFaultProxy(target: { targetPort: number; targetHost?: string }): Promise<FaultProxy> {
  const open = new Set<Socket>();
  let delayMs = 0;
  let stallAfter = Number.POSITIVE_INFINITY;
  let cutAfter = Number.POSITIVE_INFINITY;
  let healed = Promise.withResolvers<void>();

  const server = createServer((caller) => {
    const upstream = dial(target.targetPort, target.targetHost ?? "127.0.0.1");
    const both = [caller, upstream];
    for (const socket of both) {
      open.add(socket);
      socket.setNoDelay(true);
      // Breaking connections is what this is for; the pumps end with them.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        for (const each of both) each.destroy();
      });
    }
    void pump(caller, upstream, async () => stillness());
    void pump(upstream, caller, passBack);
  });

  async function stillness(): Promise<void> {
    while (stallAfter <= 0) await healed.promise;
  }

  async function passBack(chunk: Buffer): Promise<void> {
    if (delayMs > 0) await sleep(delayMs);
    await stillness();
    stallAfter -= chunk.length;
    cutAfter -= chunk.length;
    if (cutAfter <= 0) reset();
  }

  function reset(): void {
    cutAfter = Number.POSITIVE_INFINITY;
    for (const socket of open) socket.resetAndDestroy();
  }

  function stopListening(): void {
    if (server.listening) server.close();
    reset();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connections: () => open.size / 2,
    stall: (afterBytes = 0) => {
      stallAfter = afterBytes;
    },
    stalled: () => stallAfter <= 0,
    cut: (afterBytes = 0) => {
      cutAfter = afterBytes;
      if (afterBytes <= 0) reset();
    },
    refuse: stopListening,
    delay: (milliseconds) => {
      delayMs = milliseconds;
    },
    heal: () => {
      delayMs = 0;
      stallAfter = Number.POSITIVE_INFINITY;
      cutAfter = Number.POSITIVE_INFINITY;
      healed.resolve();
      healed = Promise.withResolvers<void>();
      if (!server.listening) server.listen(port, "127.0.0.1");
    },
    close: async () => {
      const closed = server.listening ? once(server, "close") : null;
      stopListening();
      await closed;
    },
  };
}

async function pump(from: Socket, to: Socket, gate: (chunk: Buffer) => Promise<void>): Promise<void> {
  try {
    for await (const chunk of from) {
      await gate(chunk);
      if (!to.write(chunk)) await Promise.race([once(to, "drain"), once(to, "close")]);
    }
    to.end();
  } catch {
    from.destroy();
    to.destroy();
  }
}
