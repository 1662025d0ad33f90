import { crc32 } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FileChangedError, FileRefusedError, type ListedFile } from "../../../providers/lib/files/store.ts";
import { type S3Server, startS3Server } from "../../../scripts/lib/s3-server.ts";
import { createS3Front, type S3Front, type SeenS3Request } from "../../support/s3-front.ts";
import { type Bucket, createBucket, openBucket } from "./bucket.ts";

let server: S3Server;
let front: S3Front;
/** Its store goes by way of the front; what is put there goes to the server itself. */
let bucket: Bucket;

const CONTENT = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7) % 253));
const ofObject = ({ method, url }: SeenS3Request) => method === "GET" && !url.includes("list-type=2");
const ofListing = ({ url }: SeenS3Request) => url.includes("list-type=2");
const ofHead = ({ method }: SeenS3Request) => method === "HEAD";

beforeAll(async () => {
  server = await startS3Server(() => undefined);
  front = await createS3Front(server.endpoint);
  const { name, put } = await createBucket(server);
  await put("data/a.bin", CONTENT);
  bucket = { ...through(name), put };
});
afterAll(async () => {
  await front.close();
  await server.stop();
});
beforeEach(() => {
  front.heal();
  front.requests.length = 0;
});

function through(
  name: string,
  changes: Record<string, unknown> = {},
  more: Parameters<typeof openBucket>[3] = {},
): Bucket {
  return openBucket({ endpoint: front.endpoint, client: server.client }, name, changes, more);
}

describe("requests", () => {
  it("are signed as they go over the wire, whatever the key is", async () => {
    const keys = ["signed/a b+c%20ü.csv", "signed/!'()*~.csv", "signed//x/../y.csv", "signed/?a=b&c#d.csv"];
    for (const key of keys) await bucket.put(key, key);
    const files = await through(bucket.name, { isUnordered: true }).list("signed/");
    expect(files.map(({ path }) => path).toSorted()).toEqual(keys.toSorted());
    for (const file of files) {
      expect(String(await bucket.read(file))).toBe(file.path);
      expect(await bucket.store.stat(file)).not.toBeNull();
    }
    expect(front.requests.every(({ headers }) => headers.authorization !== undefined)).toBe(true);
  });

  it("are not signed where the connection is anonymous, and say who pays where that is the requester", async () => {
    const anonymous = through(bucket.name, { auth: { type: "anonymous" }, requesterPays: true }, { secrets: {} });
    const file = await anonymous.find("data/a.bin");
    expect((await anonymous.read(file)).equals(CONTENT)).toBe(true);
    for (const { headers } of front.requests) {
      expect(headers.authorization).toBeUndefined();
      expect(headers["x-amz-request-payer"]).toBe("requester");
    }
  });

  it("are sent to no address that the deployment does not allow", async () => {
    const config = { endpoint: "http://169.254.169.254", forcePathStyle: true };
    await expect(through(bucket.name, config).list()).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_address_refused",
    });
  });
});

describe("an answer that may be another one next time", () => {
  it.each([
    ["SlowDown", { status: 503, code: "SlowDown" }],
    ["an internal error", { status: 500, code: "InternalError" }],
    ["a success that is no XML", { status: 200, body: "<ListBucketResult><Contents><Key>dat" }],
    ["a success that has an error in it", { status: 200, code: "InternalError" }],
    ["nothing at all", { status: 502, body: "" }],
    ["a clock that is off", { status: 403, code: "RequestTimeTooSkewed" }],
  ])("is asked for again: %s", async (_, answer) => {
    front.answer(ofListing, answer, 2);
    expect((await bucket.list("data/")).map(({ path }) => path)).toEqual(["data/a.bin"]);
    expect(front.requests.filter(ofListing)).toHaveLength(3);
  });

  it.each([
    ["SlowDown", { status: 503, code: "SlowDown" }, { reasonCode: "source_rate_limited", retryAfterSeconds: 30 }],
    ["an internal error", { status: 500, code: "InternalError" }, { reasonCode: "source_unavailable" }],
    ["no XML", { status: 200, body: "<html>" }, { reasonCode: "source_response_invalid" }],
  ])("is the next try's when it stays so: %s", async (_, answer, expected) => {
    const heal = front.answer(ofListing, answer);
    await expect(bucket.list("data/")).rejects.toMatchObject({ name: "TransientError", ...expected });
    heal();
    expect(front.requests.filter(ofListing)).toHaveLength(4);
  });

  it("is not waited for once the activity is over", async () => {
    const abort = new AbortController();
    const heal = front.answer(ofListing, { status: 503, code: "SlowDown" });
    const listing = through(bucket.name, {}, { signal: abort.signal }).list("data/");
    await expect.poll(() => front.requests.length).toBeGreaterThan(0);
    abort.abort(new Error("over"));
    await expect(listing).rejects.toThrow("over");
    heal();
  });
});

describe("an error that somebody has to do something about", () => {
  it.each([
    [{ status: 403, code: "AccessDenied" }, "source_permission_denied", /Allow s3:ListBucket on arn:aws:s3:::/],
    [{ status: 403, code: "InvalidAccessKeyId" }, "source_auth_failed", /auth\.accessKeyId/],
    [{ status: 403, code: "SignatureDoesNotMatch" }, "source_auth_failed", /secretAccessKey/],
    [{ status: 400, code: "ExpiredToken" }, "source_auth_expired", /assume_role/],
    [{ status: 404, code: "NoSuchBucket" }, "source_resource_not_found", /Correct bucket/],
    [
      { status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": "eu-west-1" } },
      "config_invalid",
      /Set region to eu-west-1/,
    ],
    [
      { status: 400, code: "AuthorizationHeaderMalformed", more: "<Region>ap-south-1</Region>" },
      "config_invalid",
      /Set region to ap-south-1/,
    ],
    [
      {
        status: 400,
        code: "AuthorizationHeaderMalformed",
        message: "the region 'us-east-1' is wrong; expecting 'sa-east-1'",
      },
      "config_invalid",
      /Set region to sa-east-1/,
    ],
    [{ status: 400, code: "InvalidRequest", message: "too odd" }, "source_rejected_request", /source's words/],
  ])("ends the listing: %j", async (answer, reasonCode, fix) => {
    const heal = front.answer(ofListing, answer);
    await expect(bucket.list("data/")).rejects.toMatchObject({
      ...{ name: "TerminalError", reasonCode },
      fix: expect.stringMatching(fix),
    });
    heal();
    expect(front.requests).toHaveLength(1);
  });

  it.each([
    [{ status: 403, code: "AccessDenied" }, "source_permission_denied", /Allow s3:GetObject on/],
    [{ status: 403, code: "AccessDenied", message: "no kms:Decrypt" }, "source_permission_denied", /kms:Decrypt/],
    [{ status: 403, code: "InvalidObjectState" }, "source_file_unreadable", /Restore/],
    [
      { status: 400, code: "InvalidRequest", message: "stored using a form of Server Side Encryption" },
      "source_file_unreadable",
      /SSE-C/,
    ],
  ])("ends the reading of an object: %j", async (answer, reasonCode, fix) => {
    const file = await bucket.find("data/a.bin");
    const heal = front.answer(ofObject, answer);
    const refusal = await bucket.read(file).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(FileRefusedError);
    expect(refusal).toMatchObject({ reasonCode, fix: expect.stringMatching(fix) });
    heal();
  });

  it("says nothing of one object where it is about the access key, the bucket or the region", async () => {
    const file = await bucket.find("data/a.bin");
    for (const code of ["InvalidAccessKeyId", "ExpiredToken", "NoSuchBucket", "PermanentRedirect"]) {
      const heal = front.answer(ofObject, { status: 403, code });
      const error = await bucket.read(file).catch((error: unknown) => error);
      expect(error).toMatchObject({ name: "TerminalError" });
      expect(error).not.toBeInstanceOf(FileRefusedError);
      heal();
    }
  });

  it("is known without a body, as a HEAD has none", async () => {
    const file = await bucket.find("data/a.bin");
    const heal = front.answer(ofHead, { status: 301, headers: { "x-amz-bucket-region": "eu-west-1" } });
    await expect(bucket.store.stat(file)).rejects.toMatchObject({ fix: expect.stringMatching(/eu-west-1/) });
    heal();
    const allow = front.answer(ofHead, { status: 403 });
    const refusal = await bucket.store.stat(file).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(FileRefusedError);
    expect(refusal).toMatchObject({ reasonCode: "source_permission_denied" });
    allow();
  });
});

describe("an object that is read while", () => {
  it("its connection breaks again and again is whole, and asked for from there on in the same version", async () => {
    const file = await bucket.find("data/a.bin");
    front.cut(ofObject, 100_000, 3);
    expect((await bucket.read(file)).equals(CONTENT)).toBe(true);
    const [first, ...others] = front.requests.filter(ofObject);
    expect(first?.headers.range).toBeUndefined();
    expect(others).toHaveLength(3);
    for (const { headers } of others) {
      expect(headers.range).toMatch(/^bytes=[1-9]\d*-$/);
      expect(headers["if-match"]).toBe(`"${file.versionToken.split("/")[0]}"`);
    }
  });

  it("it is replaced behind a broken connection is another version", async () => {
    await bucket.put("changing.bin", CONTENT);
    const file = await bucket.find("changing.bin");
    front.cut(ofObject, 100_000, 1);
    const bytes = await bucket.store.open(file, { from: 0 });
    await bucket.put("changing.bin", "new");
    await expect(bytes.toArray()).rejects.toThrow(FileChangedError);
  });

  it("the server takes no notice of conditions is found to be another version by its ETag or size", async () => {
    await bucket.put("careless.bin", "old");
    const file = await bucket.find("careless.bin");
    await bucket.put("careless.bin", "newer");
    const careless = front.answer(ofObject, {
      ...{ status: 200, body: "newer" },
      headers: { "content-length": "5", etag: '"another"' },
    });
    await expect(bucket.read(file)).rejects.toThrow(FileChangedError);
    careless();
  });

  it("a byte is turned on its way does not end well: its checksum is another one", async () => {
    const file = await bucket.find("data/a.bin");
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(CONTENT));
    front.tamper(ofObject, (body, headers) => {
      headers["x-amz-checksum-crc32"] = checksum.toString("base64");
      const turned = Buffer.from(body);
      turned[1234] = (turned[1234] ?? 0) ^ 1;
      return turned;
    });
    await expect(bucket.read(file)).rejects.toMatchObject({
      ...{ name: "TransientError", reasonCode: "source_response_invalid" },
      what: expect.stringMatching(/CRC32 checksum/),
    });
    const careless = through(bucket.name, { verifyChecksums: false });
    expect((await careless.read(file)).equals(CONTENT)).toBe(false);
    expect(front.requests.filter(ofObject).map(({ headers }) => headers["x-amz-checksum-mode"])).toEqual([
      "ENABLED",
      undefined,
    ]);
  });

  it("its body stops coming is given up, and read on by a new request", async () => {
    const file = await bucket.find("data/a.bin");
    const quick = through(bucket.name, { timeoutSeconds: 1 });
    const goOn = front.stall((request) => ofObject(request) && request.headers.range === undefined);
    expect((await quick.read(file)).equals(CONTENT)).toBe(true);
    goOn();
  });

  it("the body stands still is reported as a wait, and as work when bytes come", async () => {
    const file = await bucket.find("data/a.bin");
    const goOn = front.stall(ofObject);
    const reading = bucket.read(file);
    await expect.poll(() => bucket.connection.look()).toBe("working");
    await expect.poll(() => bucket.connection.look()).toBe("waiting");
    goOn();
    await reading;
    bucket.connection.look();
    expect(bucket.connection.look()).toBe("none");
  });

  it("whoever reads stops early closes the connection", async () => {
    const file = await bucket.find("data/a.bin");
    const bytes = await bucket.store.open(file, { from: 0 });
    for await (const _ of bytes) break;
    expect(bytes.destroyed).toBe(true);
    expect((await bucket.read(file)).length).toBe(CONTENT.length);
  });
});

describe("an object that is fetched in one go", () => {
  const mostBytes = CONTENT.length;
  const { signal } = new AbortController();
  const fetchWhole = (from: Bucket, file: ListedFile, options = { mostBytes, signal }) =>
    from.store.fetch?.(file, options);

  it("comes whole, by one request for exactly its version", async () => {
    const file = await bucket.find("data/a.bin");
    expect((await fetchWhole(bucket, file))?.equals(CONTENT)).toBe(true);
    const [request, ...others] = front.requests.filter(ofObject);
    expect(others).toHaveLength(0);
    expect(request?.headers["if-match"]).toBe(`"${file.versionToken.split("/")[0]}"`);
    await expect(fetchWhole(bucket, { ...file, versionToken: "another/400000" })).rejects.toThrow(FileChangedError);
  });

  it("is left to those who can go on, where its body breaks off or stops coming", async () => {
    const file = await bucket.find("data/a.bin");
    front.cut(ofObject, 100_000, 1);
    expect(await fetchWhole(bucket, file)).toBeNull();
    const goOn = front.stall(ofObject);
    expect(await fetchWhole(through(bucket.name, { timeoutSeconds: 1 }), file)).toBeNull();
    goOn();
  });

  it("does not end well where a byte is turned on its way", async () => {
    const file = await bucket.find("data/a.bin");
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(CONTENT));
    front.tamper(ofObject, (body, headers) => {
      headers["x-amz-checksum-crc32"] = checksum.toString("base64");
      return Buffer.from(body.map((byte, index) => (index === 1234 ? byte ^ 1 : byte)));
    });
    await expect(fetchWhole(bucket, file)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("is not waited for once nobody needs it", async () => {
    const file = await bucket.find("data/a.bin");
    const stopped = new AbortController();
    const goOn = front.stall(ofObject);
    const fetched = fetchWhole(bucket, file, { mostBytes, signal: stopped.signal });
    await expect.poll(() => bucket.connection.look()).toBe("waiting");
    stopped.abort(new Error("nobody needs it"));
    await expect(fetched).rejects.toThrow("nobody needs it");
    goOn();
  });
});

describe("a listing whose", () => {
  it("page token is refused goes on behind the last key", async () => {
    const { name, put } = await createBucket(server);
    const keys = Array.from({ length: 1001 }, (_, i) => `k${String(i).padStart(4, "0")}`);
    for (let i = 0; i < keys.length; i += 100) {
      await Promise.all(keys.slice(i, i + 100).map((key) => put(key, "x")));
    }
    front.answer(({ url }) => url.includes("continuation-token"), { status: 400, code: "InvalidArgument" }, 1);
    expect((await through(name).list()).map(({ path }) => path)).toEqual(keys);
    expect(front.requests.at(-1)?.url).toContain("start-after=k0999");
  });

  it("keys come out of order is refused, unless the connection says so", async () => {
    const page = (keys: string[]) => ({
      status: 200,
      body: `<ListBucketResult><IsTruncated>false</IsTruncated>${keys.map((key) => `<Contents><Key>${key}</Key><ETag>"e"</ETag><Size>1</Size></Contents>`).join("")}</ListBucketResult>`,
    });
    const heal = front.answer(ofListing, page(["b", "a"]));
    await expect(bucket.list()).rejects.toMatchObject({
      name: "TerminalError",
      fix: expect.stringMatching(/isUnordered/),
    });
    expect((await through(bucket.name, { isUnordered: true }).list()).map(({ path }) => path)).toEqual(["b", "a"]);
    heal();
  });

  it("next page is promised and not named is not taken for complete", async () => {
    const heal = front.answer(ofListing, {
      status: 200,
      body: "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    });
    await expect(bucket.list()).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
    heal();
  });
});
