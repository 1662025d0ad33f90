import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { S3Server } from "../../../scripts/lib/s3-server.ts";
import { createS3Front, type S3Front, type SeenS3Request } from "../../support/s3-front.ts";
import { FIRST_START_MS, S3_SERVERS } from "../../support/s3-servers.ts";
import { createSharedConnection } from "../../support/shared-connection.ts";
import { type Bucket, createBucket, openBucket, S3_SECRETS } from "./bucket.ts";

const ROLE = { type: "assume_role", accessKeyId: "SLUICELOCAL", roleArn: "arn:aws:iam::123456789012:role/reader" };
const ofSts = ({ method, url }: SeenS3Request) => method === "POST" && url === "/";
const ofListing = ({ url }: SeenS3Request) => url.includes("list-type=2");

let server: S3Server;
let front: S3Front;
let bucket: Bucket;
beforeAll(async () => {
  server = await S3_SERVERS.moto(() => undefined);
  front = await createS3Front(server.endpoint);
  bucket = await createBucket(server);
  await bucket.put("a.csv", "one");
}, FIRST_START_MS);
afterAll(async () => {
  await front.close();
  await server.stop();
});
beforeEach(() => {
  front.heal();
  front.requests.length = 0;
  // The keys of a session are known to the server that has given them.
  front.tamper(ofSts, (body) => {
    const text = String(body);
    const textOf = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? "";
    front.keys.set(textOf("AccessKeyId"), textOf("SecretAccessKey"));
    return body;
  });
});

function withRole(shared = createSharedConnection(S3_SECRETS), changes: Record<string, unknown> = {}): Bucket {
  return openBucket(
    { endpoint: front.endpoint, client: server.client },
    bucket.name,
    { auth: { ...ROLE, ...changes } },
    { shared },
  );
}

describe("a role that is assumed", () => {
  it("signs requests with a session of its own, one for all workers", async () => {
    const shared = createSharedConnection(S3_SECRETS);
    const workers = [withRole(shared), withRole(shared)];
    const [first, second] = await Promise.all(workers.map((each) => each.list()));
    expect(first).toEqual(second);
    expect(front.requests.filter(ofSts)).toHaveLength(1);
    for (const { headers } of front.requests.filter(ofListing)) {
      expect(headers["x-amz-security-token"]).toBe(shared.now.tokens.sessionToken);
      expect(headers.authorization).not.toContain(ROLE.accessKeyId);
    }
  });

  it("gets another session when the server says that this one has expired", async () => {
    const shared = createSharedConnection(S3_SECRETS);
    const worker = withRole(shared);
    await worker.list();
    const before = shared.now.tokens.sessionToken;
    const isOfBefore = (request: SeenS3Request) =>
      ofListing(request) && request.headers["x-amz-security-token"] === before;
    front.answer(isOfBefore, { status: 400, code: "ExpiredToken" });
    expect((await worker.list()).map(({ path }) => path)).toEqual(["a.csv"]);
    expect(shared.now.tokens.sessionToken).not.toBe(before);
    expect(front.requests.filter(ofSts)).toHaveLength(2);
  });

  it("ends with an error when the new session has expired as well", async () => {
    front.answer(ofListing, { status: 400, code: "ExpiredToken" });
    await expect(withRole().list()).rejects.toMatchObject({ reasonCode: "source_auth_expired" });
    expect(front.requests.filter(ofSts)).toHaveLength(2);
  });

  it("takes no session that was given for another role", async () => {
    const shared = createSharedConnection(S3_SECRETS);
    await withRole(shared).list();
    await withRole(shared, { roleArn: "arn:aws:iam::123456789012:role/other" }).list();
    expect(front.requests.filter(ofSts)).toHaveLength(2);
  });

  it("says what is missing where it may not be assumed", async () => {
    front.answer(ofSts, {
      status: 403,
      body: "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>",
    });
    await expect(withRole().list()).rejects.toMatchObject({
      ...{ name: "TerminalError", reasonCode: "source_permission_denied" },
      fix: expect.stringMatching(/sts:AssumeRole on arn:aws:iam::123456789012:role\/reader.*trust policy/),
    });
  });
});
