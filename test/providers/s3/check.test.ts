import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { s3 } from "../../../providers/s3/index.ts";
import { type S3Server, startS3Server } from "../../../scripts/lib/s3-server.ts";
import { createS3Front, type S3Front, type SeenS3Request } from "../../support/s3-front.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { type Bucket, connectionConfig, createBucket, S3_SECRETS } from "./bucket.ts";

let server: S3Server;
let front: S3Front;
let bucket: Bucket;

beforeAll(async () => {
  server = await startS3Server(() => undefined);
  front = await createS3Front(server.endpoint);
  bucket = await createBucket(server);
  await bucket.put("orders/1.csv", "id\n1\n");
});
afterAll(async () => {
  await front.close();
  await server.stop();
});
beforeEach(() => front.heal());

const ofListing = ({ url }: SeenS3Request) => url.includes("list-type=2");
const ofObject = ({ method, url }: SeenS3Request) => method === "GET" && !url.includes("list-type=2");

async function check(changes: Record<string, unknown> = {}, globs: Record<string, string> = {}, secrets = S3_SECRETS) {
  const source = await s3.connect({
    config: s3.connectionSchema.parse(connectionConfig(front.endpoint, bucket.name, changes)),
    sourceConfig: s3.sourceConfigSchema.parse({
      files: Object.entries(globs).map(([name, pathGlob]) => ({ name, pathGlob, format: { type: "csv" } })),
    }),
    ...{ secrets, signal: new AbortController().signal, egress: LOOPBACK_EGRESS },
    redactor: createRedactor(Object.values(secrets)),
    shared: createSharedConnection(secrets),
  });
  try {
    return await source.check();
  } finally {
    await source.close();
  }
}

describe("a check of a bucket", () => {
  it("passes step by step, and says which file each resource has", async () => {
    const checks = await check({}, { orders: "orders/*.csv" });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(["credentials", "bucket", "list", "read", "resource orders"]);
    expect(checks.at(-1)).toMatchObject({ entityKey: "orders", message: "orders/1.csv is one of its files." });
  });

  it("says that a glob matches nothing, which is no fault of the others", async () => {
    const checks = await check({}, { orders: "orders/*.csv", typo: "order/*.csv" });
    expect(checks.filter(({ ok }) => !ok)).toEqual([
      expect.objectContaining({ name: "resource typo", entityKey: "typo", fix: expect.stringMatching(/pathGlob/) }),
    ]);
  });

  it("finds a file that can be read behind one that may not be, and says what is wrong with that one", async () => {
    await bucket.put("orders/0.csv", "id\n0\n");
    front.answer(({ url }) => url.includes("orders/0.csv"), { status: 403, code: "AccessDenied" });
    expect((await check()).at(-1)).toMatchObject({
      ...{ name: "read", ok: true },
      message: expect.stringMatching(/^orders\/1\.csv can be read\. Not every .* orders\/0\.csv .*s3:GetObject/),
    });
  });

  it("tells a wrong key, and goes no further", async () => {
    const checks = await check({ auth: { type: "keys", accessKeyId: "NOBODY" } });
    expect(checks).toEqual([
      expect.objectContaining({ name: "credentials", ok: false, fix: expect.stringMatching(/accessKeyId/) }),
    ]);
  });

  it("tells a wrong secret", async () => {
    const [first, ...others] = await check({}, {}, { secretAccessKey: "another-secret" });
    expect(first).toMatchObject({ name: "credentials", ok: false, fix: expect.stringMatching(/secretAccessKey/) });
    expect(others).toEqual([]);
  });

  it("tells a bucket that is not there, and one in another region", async () => {
    expect((await check({ bucket: "no-such-bucket" })).at(-1)).toMatchObject({
      ...{ name: "bucket", ok: false },
      fix: "Correct bucket: there is no no-such-bucket at this server.",
    });
    const headers = { "x-amz-bucket-region": "eu-central-1" };
    front.answer(ofListing, { status: 301, code: "PermanentRedirect", headers });
    expect((await check()).at(-1)).toMatchObject({
      ...{ name: "bucket", ok: false },
      fix: `Set region to eu-central-1: the bucket ${bucket.name} lies there.`,
    });
  });

  it("tells which permission is missing", async () => {
    front.answer(ofListing, { status: 403, code: "AccessDenied" });
    expect((await check()).at(-1)).toMatchObject({
      name: "list",
      ok: false,
      fix: expect.stringMatching(/s3:ListBucket/),
    });
    front.heal();
    front.answer(ofObject, { status: 403, code: "AccessDenied" });
    expect((await check()).at(-1)).toMatchObject({
      name: "read",
      ok: false,
      fix: expect.stringMatching(/s3:GetObject/),
    });
  });

  it("says that a server cannot be reached, and an address that may not be", async () => {
    expect((await check({ endpoint: "http://127.0.0.1:9" })).at(-1)).toMatchObject({ name: "bucket", ok: false });
    expect((await check({ endpoint: "http://169.254.169.254" })).at(-1)).toMatchObject({
      ...{ name: "bucket", ok: false },
      fix: expect.stringMatching(/no setting opens/),
    });
  });

  it("shows no secret, whatever the server says", async () => {
    const message = `the secret ${S3_SECRETS.secretAccessKey} is wrong`;
    front.answer(ofListing, { status: 403, code: "SignatureDoesNotMatch", message });
    expect(JSON.stringify(await check())).not.toContain(S3_SECRETS.secretAccessKey);
  });
});
