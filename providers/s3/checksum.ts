import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { createCrc32c, createCrc64Nvme } from "./crc.ts";

/** A checksum that S3 keeps with an object, computed while the object is read. */
export interface Checksum {
  name: string;
  update(bytes: Buffer): void;
  /** In base64, as S3 writes it. */
  digest(): string;
  /** What S3 says. */
  expected: string;
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 * @returns null where the object has none of its whole: one that is made of the checksums of parts says nothing of the bytes
 */
export function checksumOf(answer: GetObjectCommandOutput): Checksum | null {
  const { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256, ChecksumType } = answer;
  if (ChecksumType === "COMPOSITE") return null;
  const known: [string, string | undefined, () => Pick<Checksum, "update" | "digest">][] = [
    ["CRC32", ChecksumCRC32, createCrc32],
    ["CRC32C", ChecksumCRC32C, createCrc32c],
    ["CRC64NVME", ChecksumCRC64NVME, createCrc64Nvme],
    ["SHA1", ChecksumSHA1, () => createDigest("sha1")],
    ["SHA256", ChecksumSHA256, () => createDigest("sha256")],
  ];
  for (const [name, expected, create] of known) {
    // `<checksum>-<parts>` is one of parts.
    if (expected !== undefined && !expected.includes("-")) return { name, expected, ...create() };
  }
  return null;
}

function createCrc32(): Pick<Checksum, "update" | "digest"> {
  let value = 0;
  return {
    update(bytes) {
      value = crc32(bytes, value);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString("base64");
    },
  };
}

function createDigest(algorithm: "sha1" | "sha256"): Pick<Checksum, "update" | "digest"> {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
}
