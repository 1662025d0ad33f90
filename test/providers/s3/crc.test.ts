import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createCrc32c, createCrc64Nvme } from "../../../providers/s3/crc.ts";

const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex");
/** One bit at a time, as the definition has it. */
function slowly(bytes: Buffer, polynomial: bigint, bits: bigint): string {
  const ones = (1n << bits) - 1n;
  let value = ones;
  for (const byte of bytes) {
    value ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
  }
  return (value ^ ones).toString(16).padStart(Number(bits) / 4, "0");
}

describe("checksums that Node does not have", () => {
  // The check values of https://reveng.sourceforge.io/crc-catalogue/all.htm
  it.each([
    ["CRC-32C", createCrc32c, "e3069283", 0x82f63b78n, 32n],
    ["CRC-64/NVME", createCrc64Nvme, "ae8b14860a799888", 0x9a6c9329ac4bc9b5n, 64n],
  ] as const)("%s is that of the catalogue, however the bytes come", (_, create, check, polynomial, bits) => {
    const crc = create();
    crc.update(Buffer.from("123456789"));
    expect(hex(crc.digest())).toBe(check);
    const bytes = Buffer.concat(Array.from({ length: 20 }, (__, i) => createHash("sha256").update(String(i)).digest()));
    for (const sizes of [[640], [1, 639], [3, 5, 8, 624], [7, 9, 16, 608], [0, 640]]) {
      const inPieces = create();
      let at = 0;
      for (const size of sizes) {
        inPieces.update(bytes.subarray(at, at + size));
        at += size;
      }
      expect(hex(inPieces.digest()), `${sizes}`).toBe(slowly(bytes, polynomial, bits));
    }
  });
});
