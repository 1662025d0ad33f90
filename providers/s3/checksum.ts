import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
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
export function checksumOf(headers: Headers): Checksum | null {
  if (headers.get("x-amz-checksum-type") === "COMPOSITE") return null;
  for (const [name, create] of Object.entries(ALGORITHMS)) {
    const expected = headers.get(`x-amz-checksum-${name.toLowerCase()}`);
    // `<checksum>-<parts>` is one of parts.
    if (expected !== null && !expected.includes("-")) return { name, expected, ...create() };
  }
  return null;
}

const ALGORITHMS: Record<string, () => Pick<Checksum, "update" | "digest">> = {
  CRC32: createCrc32,
  CRC32C: createCrc32c,
  CRC64NVME: createCrc64Nvme,
  SHA1: () => createDigest("sha1"),
  SHA256: () => createDigest("sha256"),
};

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
