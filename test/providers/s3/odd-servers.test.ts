import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { listInOrder } from "../../../providers/lib/files/listing.ts";
import { FileGoneError } from "../../../providers/lib/files/store.ts";
import { type S3Server, startS3Server } from "../../../scripts/lib/s3-server.ts";
import { createS3Front, type S3Front } from "../../support/s3-front.ts";
import { createBucket, openBucket } from "./bucket.ts";

let server: S3Server;
let front: S3Front;
let name: string;

beforeAll(async () => {
  server = await startS3Server(() => undefined);
  front = await createS3Front(server.endpoint);
  name = (await createBucket(server)).name;
});
afterAll(async () => {
  await front.close();
  await server.stop();
});
beforeEach(() => front.heal());

const through = (changes: Record<string, unknown> = {}) =>
  openBucket({ endpoint: front.endpoint, client: server.client }, name, changes);
const isListing = ({ url }: { url: string }) => url.includes("list-type=2") || url.includes("versions");

it.each([
  ['"CKih/6GjycICEAE="', "CKih/6GjycICEAE="],
  ['W/"weak"', "weak"],
  ['"a/5"', "a/5"],
])("an ETag may be %s", async (etag, plain) => {
  const object = `<Contents><Key>a.csv</Key><ETag>${etag}</ETag><Size>3</Size></Contents>`;
  front.answer(isListing, {
    status: 200,
    body: `<ListBucketResult><IsTruncated>false</IsTruncated>${object}</ListBucketResult>`,
  });
  const file = await through().find("a.csv");
  expect(file.versionToken).toBe(`${plain}/3`);
  front.answer((request) => !isListing(request), { status: 200, headers: { etag }, body: "one" });
  expect(String(await through().read(file))).toBe("one");
  expect(front.requests.at(-1)?.headers["if-match"]).toBe(`"${plain}"`);
});

it.each([
  ["objects", "ListBucketResult", "<NextContinuationToken>again</NextContinuationToken>", { isUnordered: true }],
  ["versions", "ListVersionsResult", "<NextKeyMarker>again</NextKeyMarker>", { includeVersions: true }],
])("a listing of %s does not go on for ever, where a page says that it is followed by itself", async (...each) => {
  const [, element, next, changes] = each;
  front.answer(isListing, { status: 200, body: `<${element}><IsTruncated>true</IsTruncated>${next}</${element}>` });
  await expect(through(changes).list()).rejects.toMatchObject({
    reasonCode: "source_response_invalid",
    message: expect.stringMatching(/followed by itself/),
  });
});

it.each([
  ["nothing", ""],
  ["a page of a proxy", "<html><body>Log in first</body></html>"],
  ["no word of whether more follows", "<ListBucketResult/>"],
  ["the list of all buckets", "<ListAllMyBucketsResult><IsTruncated>false</IsTruncated></ListAllMyBucketsResult>"],
])("a listing that is answered with %s is no empty bucket", async (_, body) => {
  for (const changes of [{}, { includeVersions: true }]) {
    front.answer(isListing, { status: 200, body });
    await expect(through(changes).list()).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
    front.heal();
  }
});

it("a server that answers with objects where it is asked for their versions has not told any", async () => {
  const object = '<Contents><Key>a.csv</Key><ETag>"1"</ETag><Size>3</Size></Contents>';
  const body = `<?xml version="1.0"?>\n<!-- v1 --><ListBucketResult><IsTruncated>false</IsTruncated>${object}</ListBucketResult>`;
  front.answer(isListing, { status: 200, body });
  expect(await through().list()).toHaveLength(1);
  front.answer(isListing, { status: 200, body });
  await expect(through({ includeVersions: true }).list()).rejects.toMatchObject({
    reasonCode: "source_response_invalid",
  });
});

it("keys with a NUL character keep their place in the order", async () => {
  const keys = ["a", "a%00", "a%00b", "a%01b", "a%20", "a%2500"];
  const objects = keys.map((key) => `<Contents><Key>${key}</Key><ETag>"1"</ETag><Size>3</Size></Contents>`).join("");
  const body = `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${objects}</ListBucketResult>`;
  front.answer(isListing, { status: 200, body });
  const found: string[] = [];
  for await (const page of listInOrder(through().store, { prefix: "" })) found.push(...page.map(({ path }) => path));
  expect(found).toHaveLength(keys.length);
  expect(new Set(found).size).toBe(keys.length);
});

it.each([
  ["objects", "ListBucketResult", "continuation-token", "NextContinuationToken", {}],
  ["versions", "ListVersionsResult", "key-marker", "NextKeyMarker", { includeVersions: true }],
])("a listing of %s does not go on for ever, where its pages follow each other in a circle", async (...each) => {
  const [, element, parameter, next, changes] = each;
  const page = (token: string) => ({
    status: 200,
    body: `<${element}><IsTruncated>true</IsTruncated><${next}>${token}</${next}></${element}>`,
  });
  const asks = (token: string) => (request: { url: string }) =>
    isListing(request) && request.url.includes(`${parameter}=${token}`);
  for (const [from, to] of ["ab", "bc", "cd", "db"]) front.answer(asks(String(from)), page(String(to)));
  front.answer(isListing, page("a"));
  await expect(through(changes).list()).rejects.toMatchObject({
    reasonCode: "source_response_invalid",
    message: expect.stringMatching(/or by one before it/),
  });
});

it.each(["True", "1", "yes", ""])(
  "a listing that is truncated by the word %j is not taken for complete",
  async (word) => {
    const object = '<Contents><Key>a.csv</Key><ETag>"1"</ETag><Size>3</Size></Contents>';
    const body = `<ListBucketResult><IsTruncated>${word}</IsTruncated>${object}</ListBucketResult>`;
    front.answer(isListing, { status: 200, body });
    await expect(through().list()).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  },
);

it("405 says that an object is gone where it says that it is a delete marker, and nowhere else", async () => {
  const { put } = openBucket(server, name);
  await put("refused.csv", "id\n1\n");
  const file = await through().find("refused.csv");
  const ofObject = (request: { url: string }) => !isListing(request);
  front.answer(ofObject, { status: 405 });
  await expect(through().read(file)).rejects.toMatchObject({
    name: "TerminalError",
    message: expect.stringMatching(/405/),
  });
  await expect(through().store.stat(file)).rejects.toMatchObject({ name: "TerminalError" });
  front.heal();
  front.answer(ofObject, { status: 405, headers: { "x-amz-delete-marker": "true" } });
  await expect(through().read(file)).rejects.toBeInstanceOf(FileGoneError);
  expect(await through().store.stat(file)).toBeNull();
});

it.each([429, 503])("a server that answers %i and when to come back is not asked before that", async (status) => {
  front.requests.length = 0;
  front.answer(isListing, { status, headers: { "retry-after": "120" } });
  await expect(through().list()).rejects.toMatchObject({ name: "TransientError", retryAfterSeconds: 120 });
  expect(front.requests).toHaveLength(1);
});
