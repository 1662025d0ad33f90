/** Checksums that Node does not have. Reflected, with all bits set at first and inverted at the end; eight bytes at a time. */

export interface Crc {
  update(bytes: Buffer): void;
  /** Most significant byte first, in base64. */
  digest(): string;
}

/** Castagnoli's. https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 */
const POLYNOMIAL_32C = 0x82f63b78;
/** https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-nvme, reflected: high and low half. */
const POLYNOMIAL_64 = { high: 0x9a6c9329, low: 0xac4bc9b5 };
const AT_ONCE = 8;

/** `high` and `low`: of each byte value, and of what it becomes when up to seven zero bytes follow it. */
interface Tables {
  high: Uint32Array;
  low: Uint32Array;
}

let tables32: Tables | null = null;
let tables64: Tables | null = null;

/** Its tables are those of 64 bits of which the upper half is nothing. */
export function createCrc32c(): Crc {
  tables32 ??= createTables({ high: 0, low: POLYNOMIAL_32C });
  return createCrc(tables32, 4);
}

export function createCrc64Nvme(): Crc {
  tables64 ??= createTables(POLYNOMIAL_64);
  return createCrc(tables64, 8);
}

function createTables(polynomial: { high: number; low: number }): Tables {
  const high = new Uint32Array(256 * AT_ONCE);
  const low = new Uint32Array(256 * AT_ONCE);
  for (let byte = 0; byte < 256; byte += 1) {
    let [h, l] = [0, byte];
    for (let bit = 0; bit < 8; bit += 1) {
      const isOdd = l & 1;
      l = (l >>> 1) | ((h & 1) << 31);
      h >>>= 1;
      if (isOdd) {
        h ^= polynomial.high;
        l ^= polynomial.low;
      }
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let at = 256; at < high.length; at += 1) {
    const [h = 0, l = 0] = [high[at - 256], low[at - 256]];
    high[at] = (h >>> 8) ^ (high[l & 255] ?? 0);
    low[at] = ((l >>> 8) | (h << 24)) ^ (low[l & 255] ?? 0);
  }
  return { high, low };
}

function createCrc({ high, low }: Tables, sizeBytes: 4 | 8): Crc {
  let h = sizeBytes === 8 ? -1 : 0;
  let l = -1;
  return {
    update(bytes) {
      const whole = bytes.length - (bytes.length % AT_ONCE);
      let place = 0;
      for (; place < whole; place += AT_ONCE) {
        const a = l ^ readInt32(bytes, place);
        const b = h ^ readInt32(bytes, place + 4);
        h = ofEight(high, a, b);
        l = ofEight(low, a, b);
      }
      for (; place < bytes.length; place += 1) {
        const slot = (l ^ (bytes[place] as number)) & 255;
        l = ((l >>> 8) | (h << 24)) ^ (low[slot] as number);
        h = (h >>> 8) ^ (high[slot] as number);
      }
    },
    digest() {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE(h >>> 0, 0);
      bytes.writeUInt32BE(l >>> 0, 4);
      for (const [at, byte] of bytes.entries()) bytes[at] = ~byte;
      return bytes.subarray(8 - sizeBytes).toString("base64");
    },
  };
}

function readInt32(bytes: Buffer, at: number): number {
  // Of a buffer's own methods each call looks at its bounds.
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** What eight bytes, of which `a` has the first four, become. All places lie within the table. */
function ofEight(table: Uint32Array, a: number, b: number): number {
  return (
    (table[1792 + (a & 255)] as number) ^
    (table[1536 + ((a >>> 8) & 255)] as number) ^
    (table[1280 + ((a >>> 16) & 255)] as number) ^
    (table[1024 + (a >>> 24)] as number) ^
    (table[768 + (b & 255)] as number) ^
    (table[512 + ((b >>> 8) & 255)] as number) ^
    (table[256 + ((b >>> 16) & 255)] as number) ^
    (table[b >>> 24] as number)
  );
}
