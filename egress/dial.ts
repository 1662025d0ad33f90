import { isIP, Socket } from "node:net";
import { createEgressRules, type EgressPolicy, notPublic, type Standing, type Target } from "./policy.ts";

/** How connectors come to their sockets, whatever they speak over them. */
export type Dial = (target: Target, options: DialOptions) => Promise<Socket>;

export interface DialOptions {
  /** Of looking the name up and connecting, together. */
  timeoutMs: number;
  /** Ends both. */
  signal?: AbortSignal | null;
  /** Is connected; absent: a new one. */
  socket?: Socket;
}

/**
 * Connects to an address that the policy allows. The name is resolved once, all its addresses are judged, and the socket goes to one of
 * these: nothing is left to be resolved to anything else meanwhile.
 * @param reach what a connector of this kind reaches where the operator has said nothing: public addresses, or private ones too
 * @returns of `dial`, a connected socket. It throws AddressRefusedError, the signal's reason, or an error with the code of the system that
 *   names host and port as they were given, never what the name resolves to
 */
export function createDial({ policy, reach }: { policy: EgressPolicy; reach: "public" | "private" }): Dial {
  const rules = createEgressRules(policy);
  return async (target, { timeoutMs, signal, socket = new Socket() }) => {
    const { host, port } = target;
    const admit = (standing: Standing): void => {
      if (standing === "private" && reach === "public") throw notPublic(host);
    };
    const deadline = AbortSignal.timeout(timeoutMs);
    const over = signal ? AbortSignal.any([signal, deadline]) : deadline;
    // Whoever is given the socket listens later; what happens until then shows when it is used.
    socket.on("error", () => undefined);
    try {
      const addresses = await unlessOver(rules.resolve(target, admit), over);
      await unlessOver(connect(socket, target, addresses), over);
      return socket;
    } catch (error) {
      socket.destroy();
      signal?.throwIfAborted();
      if (over.aborted)
        throw withCode(`nothing answered at ${host}:${port} within ${timeoutMs / 1000} s`, "ETIMEDOUT", error);
      const code = error instanceof Error && "code" in error ? String(error.code) : null;
      throw code === null ? error : withCode(`no connection to ${host}:${port} (${code})`, code, error);
    }
  };
}

/** For a driver that connects its socket itself: this one is connected already, and goes nowhere else. */
export function asConnected(socket: Socket): Socket {
  const connect = (): Socket => {
    process.nextTick(() => socket.emit("connect"));
    return socket;
  };
  return Object.assign(socket, { connect });
}

function connect(socket: Socket, { host, port }: Target, addresses: string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  const [only, second] = found;
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.off("error", reject);
    resolve();
  });
  if (only !== undefined && second === undefined) socket.connect({ host: only.address, port });
  // Several are tried in turn, which the socket does by itself.
  else socket.connect({ host, port, autoSelectFamily: true, lookup: (_host, _options, done) => done(null, found) });
  return promise;
}

async function unlessOver<T>(work: Promise<T>, over: AbortSignal): Promise<T> {
  over.throwIfAborted();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(over.reason);
  over.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([work, ended]);
  } finally {
    over.removeEventListener("abort", end);
  }
}

function withCode(message: string, code: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}
