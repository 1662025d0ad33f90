/**
 * How long after its nominal time Temporal starts a tick: a share of `maxMs` that a hash of the nominal time and the
 * schedule chooses, so it is the same each time that somebody asks.
 *
 * @param seed see `jitterSeed`
 * @param nominal seconds since 1970
 */
export function jitterMs(seed: string, nominal: number, maxMs: number): number {
  const share = BigInt(fingerprint32(hashedBytes(seed, nominal))) * BigInt(maxMs);
  return Number(share >> 32n);
}

/** @param namespaceId the UUID that Temporal gave to the namespace; a Temporal that was made anew gives another one */
export function jitterSeed(namespaceId: string, scheduleId: string): string {
  return `${namespaceId}-${scheduleId}`;
}

/** From the year 1 to 1970. */
const GO_EPOCH_SECONDS = 62_135_596_800n;

/** The instant as Go's `time.Time.MarshalBinary` writes one of UTC, then the seed. */
function hashedBytes(seed: string, nominal: number): Uint8Array {
  const text = new TextEncoder().encode(seed);
  const bytes = new Uint8Array(15 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setBigInt64(1, BigInt(nominal) + GO_EPOCH_SECONDS);
  view.setInt16(13, -1);
  bytes.set(text, 15);
  return bytes;
}

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/**
 * FarmHash's Fingerprint32 of more than 24 bytes. Shorter texts have other rules; no seed is that short.
 * https://github.com/google/farmhash
 */
export function fingerprint32(bytes: Uint8Array): number {
  const { length } = bytes;
  if (length <= 24) throw new RangeError(`fingerprint32 takes more than 24 bytes, not ${length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const word = (at: number): number => view.getUint32(at, true);
  const fromEnd = (distance: number): number => scramble(word(length - distance));
  let h = mix(mix(length, fromEnd(4)), fromEnd(16));
  let g = mix(mix(Math.imul(C1, length), fromEnd(8)), fromEnd(12));
  let f = (rotate((Math.imul(C1, length) + fromEnd(20)) | 0, 19) + 113) | 0;
  for (let at = 0; at < Math.floor((length - 1) / 20) * 20; at += 20) {
    const [a, b, c, d, e] = [word(at), word(at + 4), word(at + 8), word(at + 12), word(at + 16)];
    h = (mix((h + a) | 0, scramble(d)) + e) | 0;
    g = (mix((g + b) | 0, scramble(c)) + a) | 0;
    f = (mix((f + c) | 0, scramble((b + Math.imul(e, C1)) | 0)) + d) | 0;
    f = (f + g) | 0;
    g = (g + f) | 0;
  }
  h = join(h, Math.imul(rotate(Math.imul(rotate(g, 11), C1), 17), C1));
  h = join(h, Math.imul(rotate(Math.imul(rotate(f, 11), C1), 17), C1));
  return h >>> 0;
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, C1), 17), C2);
}

function mix(hash: number, scrambled: number): number {
  return (Math.imul(rotate(hash ^ scrambled, 19), 5) + 0xe6546b64) | 0;
}

function join(hash: number, other: number): number {
  const mixed = (Math.imul(rotate((hash + other) | 0, 19), 5) + 0xe6546b64) | 0;
  return Math.imul(rotate(mixed, 17), C1);
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
