import { classifyBreakage } from "../breakages.ts";
import { SLOWEST_BYTES_PER_SECOND, SlowBodyError } from "../read-body.ts";
import { backoffSeconds, pause } from "../waiting.ts";
import type { OpenBody, Opener } from "./open.ts";

/** Of a body, what reading it takes. */
export type WireBody = Pick<OpenBody, "live" | "from" | "version" | "size">;

export interface WireOptions<B extends WireBody = OpenBody> extends Omit<Opener, "send"> {
  /** Opens the body anew, from a place on. */
  reopen(at: number, before: B): Promise<B>;
  timeoutMs: number;
  /** In a row, without getting on between them. */
  maxAttempts: number;
  noteBytes(bytes: number): void;
  /** Somebody waits for the source until this is done. */
  whileWaiting<T>(work: () => Promise<T>): Promise<T>;
  signal: AbortSignal;
}

/** A connection that gives less before it breaks has not got on. */
const GETS_ON_BYTES = 64 * 1024;

/**
 * The bytes of a body as they come. Where the connection breaks, the body is asked for from there on, as long as the source tells its
 * version. Nothing is read from the socket while nobody takes the bytes.
 * @param at place to begin at; what lies before is read and dropped where the source gives the whole body
 * @throws ProviderError, or the signal's reason
 */
export async function* readWire<B extends WireBody>(
  first: B,
  at: number,
  options: WireOptions<B>,
): AsyncGenerator<Buffer, void> {
  const { signal, toError, what } = options;
  let body = first;
  let place = at;
  let failures = 0;
  let gotTo = at;
  try {
    for (;;) {
      const begun = place;
      try {
        for await (const chunk of readLive(body, place, options)) {
          place += chunk.length;
          yield chunk;
        }
      } catch (error) {
        signal.throwIfAborted();
        const breakage = classifyBreakage(error, what);
        if (breakage === null) throw error;
        if (place - gotTo >= GETS_ON_BYTES) failures = 0;
        gotTo = place;
        failures += 1;
        const mayGoOn = breakage.mayPass || breakage.reasonCode === "source_timeout";
        if (!mayGoOn || body.version === null || failures >= options.maxAttempts) {
          throw toError({ ...breakage, said: `${breakage.said}, after ${place.toLocaleString("en-US")} bytes` });
        }
        const seconds = backoffSeconds(failures);
        await options.whileWaiting(() => pause(seconds, signal));
        body = await options.reopen(place, body);
        continue;
      }
      const { size } = body;
      if (size === null || place >= size) return;
      // Some sources give a part of what is left.
      if (place === begun) {
        const said = `${what}: the source gives no more after ${place.toLocaleString("en-US")} bytes of ${size.toLocaleString("en-US")}`;
        throw toError({ reasonCode: "source_response_invalid", said });
      }
      body = await options.reopen(place, body);
    }
  } finally {
    body.live.destroy();
  }
}

async function* readLive<B extends WireBody>(
  { live, from }: WireBody,
  place: number,
  options: WireOptions<B>,
): AsyncGenerator<Buffer, void> {
  let toDrop = place - from;
  let bytes = 0;
  let waitedMs = 0;
  const chunks: AsyncIterator<Buffer> = live[Symbol.asyncIterator]();
  for (;;) {
    const askedAt = Date.now();
    const next = await options.whileWaiting(() => chunks.next());
    if (next.done) break;
    const chunk = next.value;
    bytes += chunk.length;
    options.noteBytes(chunk.length);
    // Only the source's own time counts: a consumer may take as long as it likes.
    waitedMs += Date.now() - askedAt;
    const allowedMs = options.timeoutMs + (bytes / SLOWEST_BYTES_PER_SECOND) * 1000;
    if (waitedMs > allowedMs) throw new SlowBodyError(`${bytes} bytes came in ${waitedMs} ms`);
    const dropped = Math.min(toDrop, chunk.length);
    toDrop -= dropped;
    if (dropped < chunk.length) yield dropped === 0 ? chunk : chunk.subarray(dropped);
  }
}
