import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileChangedError, FileGoneError, type ListedFile } from "../../../providers/lib/files/store.ts";
import type { S3Server } from "../../../scripts/lib/s3-server.ts";
import { FIRST_START_MS, S3_SERVERS } from "../../support/s3-servers.ts";
import { type Bucket, createBucket, openBucket } from "./bucket.ts";

/** Escaped in a URL, in XML, in a signature, or by none of them; a path that a URL would resolve; what is the same name elsewhere. */
const ODD_KEYS = [
  ...["a b.csv", "a+b.csv", "a%20b.csv", "100%.csv", "ü/ö ä.csv", "名前.csv", "😀.csv", "\ue000.csv"],
  ...["a&b<c>'\"d.csv", "a?b=c#d.csv", "a;b,c:d@e=f$g!h*i(j).csv", "~tilde_under-dash.csv"],
  ...["//two", "/leading.csv", "a//b.csv", "dots/../up.csv", "dots/./here.csv", "A.csv", "a.csv"],
];
/** What XML cannot hold, or reads as something else. */
const CONTROL_KEYS = ["bell\u0007.csv", "tab\t.csv"];

/** A header has no fractions of it. */
const toTheSecond = (file: ListedFile | null) => file && { ...file, modifiedAt: file.modifiedAt?.slice(0, 19) };

const inByteOrder = (keys: readonly string[]) =>
  keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe.each(Object.entries(S3_SERVERS))("the objects of a bucket at %s", (name, start) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await start(() => undefined);
  }, FIRST_START_MS);
  afterAll(() => server.stop());

  it("are listed and read whatever their keys are", async () => {
    const bucket = await createBucket(server, name === "fauxqs" ? { isUnordered: true } : {});
    const keys = name === "moto" ? [...ODD_KEYS, ...CONTROL_KEYS] : ODD_KEYS;
    for (const key of keys) await bucket.put(key, `content of ${key}`);
    const files = await bucket.list();
    expect(files.map(({ path }) => path).toSorted()).toEqual(keys.toSorted());
    if (name === "moto") expect(files.map(({ fileId }) => fileId)).toEqual(inByteOrder(keys));
    for (const file of files) {
      expect(String(await bucket.read(file)), file.path).toBe(`content of ${file.path}`);
      expect(toTheSecond(await bucket.store.stat(file)), file.path).toEqual(toTheSecond(file));
    }
  });

  it("are listed page by page, from a prefix on and behind a key, without the folders of a console", async () => {
    const bucket = await createBucket(server);
    const keys = Array.from({ length: name === "moto" ? 60 : 1100 }, (_, i) => `in/${String(i).padStart(5, "0")}.csv`);
    for (let i = 0; i < keys.length; i += 100) {
      await Promise.all(keys.slice(i, i + 100).map((key) => bucket.put(key, "x")));
    }
    await bucket.put("in/", "");
    await bucket.put("in/folder/", "");
    await bucket.put("in/folder/not-one/", "it has content");
    await bucket.put("out/1.csv", "x");
    expect((await bucket.list("in/0")).map(({ path }) => path)).toEqual(keys);
    const behind = await bucket.list("in/", keys[29]);
    expect(behind.map(({ path }) => path)).toEqual([...keys.slice(30), "in/folder/not-one/"]);
    const narrowed = openBucket(server, bucket.name, { prefix: "in/0004" });
    expect((await narrowed.list()).map(({ path }) => path)).toEqual(keys.slice(40, 50));
    expect(await narrowed.list("out/")).toEqual([]);
    expect((await narrowed.list("in/00045")).map(({ path }) => path)).toEqual([keys[45]]);
  });

  it("have ETag and size as their version, and are read in exactly that version", async () => {
    const bucket = await createBucket(server);
    await bucket.put("a.csv", "one");
    const first = await bucket.find("a.csv");
    expect(first).toMatchObject({ fileId: "a.csv", sizeBytes: 3, modifiedAt: expect.stringMatching(/^20/) });
    expect(first.versionToken).toMatch(/^[0-9a-f]{32}\/3$/);
    expect(toTheSecond(await bucket.store.stat(first))).toEqual(toTheSecond(first));
    await bucket.put("a.csv", "two");
    await expect(bucket.read(first)).rejects.toThrow(FileChangedError);
    await expect(bucket.read(first, 1)).rejects.toThrow(FileChangedError);
    const second = await bucket.find("a.csv");
    expect(second.versionToken).not.toBe(first.versionToken);
    expect(String(await bucket.read(second))).toBe("two");
    await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: "a.csv" }));
    await expect(bucket.read(second)).rejects.toThrow(FileGoneError);
    expect(await bucket.store.stat(second)).toBeNull();
    expect(await bucket.list()).toEqual([]);
  });

  it("are read from any byte on, those that are empty too", async () => {
    const bucket = await createBucket(server);
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));
    await bucket.put("big.bin", bytes);
    await bucket.put("empty.csv", "");
    const file = await bucket.find("big.bin");
    for (const from of [0, 1, 65_536, bytes.length - 1, bytes.length]) {
      expect((await bucket.read(file, from)).equals(bytes.subarray(from)), `from ${from}`).toBe(true);
    }
    expect((await bucket.read(await bucket.find("empty.csv"))).length).toBe(0);
  });

  it("are the same when they came in parts, though their ETag is no digest then", async () => {
    const bucket = await createBucket(server);
    const parts = [Buffer.alloc(5 * 1024 * 1024, "a"), Buffer.from("the end")];
    await putInParts(bucket, "parts.csv", parts);
    const file = await bucket.find("parts.csv");
    expect(file.versionToken).toMatch(/-2\/5242887$/);
    expect((await bucket.read(file)).equals(Buffer.concat(parts))).toBe(true);
    expect(String(await bucket.read(file, 5 * 1024 * 1024))).toBe("the end");
  });

  it.each(["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"] as const)(
    "are compared with their checksum %s, where they have one",
    async (algorithm) => {
      const bucket = await createBucket(server);
      await bucket.put("a.csv", "a,b\n1,2\n", { ChecksumAlgorithm: algorithm });
      expect(String(await bucket.read(await bucket.find("a.csv")))).toBe("a,b\n1,2\n");
    },
  );

  if (name === "moto")
    it("are all their versions, where the connection asks for them, and their delete markers cannot be read", async () => {
      const bucket = await createBucket(server);
      await bucket.client.send(
        new PutBucketVersioningCommand({ Bucket: bucket.name, VersioningConfiguration: { Status: "Enabled" } }),
      );
      await bucket.put("a.csv", "one");
      await bucket.put("a.csv", "two");
      await bucket.put("ü b.csv", "three");
      await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: "a.csv" }));
      expect((await bucket.list()).map(({ path }) => path)).toEqual(["ü b.csv"]);

      const versioned = openBucket(server, bucket.name, { includeVersions: true });
      expect(versioned.store.isOrdered).toBe(false);
      const files = await versioned.list();
      expect(new Set(files.map(({ fileId }) => fileId)).size).toBe(4);
      const readable = files.filter(({ unreadable }) => unreadable === undefined);
      const contents = await Promise.all(readable.map(async (file) => String(await versioned.read(file))));
      expect(contents.toSorted()).toEqual(["one", "three", "two"]);
      for (const file of readable) expect(toTheSecond(await versioned.store.stat(file))).toEqual(toTheSecond(file));
      const marker = files.find(({ unreadable }) => unreadable !== undefined);
      expect(marker).toMatchObject({ path: "a.csv", unreadable: "it marks the object as deleted" });
    });

  if (name === "moto")
    it("are flagged where they lie in an archive, and have another version once they are restored", async () => {
      const bucket = await createBucket(server);
      await bucket.put("old.csv", "x", { StorageClass: "GLACIER" });
      const file = await bucket.find("old.csv");
      expect(file.unreadable).toMatch(/archive class GLACIER/);
      expect(file.versionToken).toMatch(/\/archived$/);
      expect(await bucket.store.stat(file)).toEqual(file);
      await expect(bucket.read(file)).rejects.toMatchObject({ reasonCode: "source_file_unreadable" });
    });
});

async function putInParts({ client, name }: Bucket, key: string, parts: readonly Buffer[]): Promise<void> {
  const where = { Bucket: name, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(where));
  const done = await Promise.all(
    parts.map(async (Body, i) => {
      const PartNumber = i + 1;
      const { ETag } = await client.send(new UploadPartCommand({ ...where, UploadId, PartNumber, Body }));
      return { ETag, PartNumber };
    }),
  );
  await client.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts: done } }));
}
