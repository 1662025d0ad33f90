const WIDTH_BITS = 160;
const SHIFT_BITS = 11;

/** The hash that a document library has of every file: https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash */
export function quickXorHash(content: Buffer): string {
  const hash = Buffer.alloc(WIDTH_BITS / 8);
  const flip = (place: number, bits: number): void => {
    hash[place] = (hash[place] ?? 0) ^ bits;
  };
  content.forEach((byte, i) => {
    const at = (i * SHIFT_BITS) % WIDTH_BITS;
    const shifted = byte << (at % 8);
    const place = Math.floor(at / 8);
    flip(place, shifted & 0xff);
    flip((place + 1) % hash.length, shifted >> 8);
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(content.length));
  length.forEach((byte, i) => {
    flip(hash.length - length.length + i, byte);
  });
  return hash.toString("base64");
}
