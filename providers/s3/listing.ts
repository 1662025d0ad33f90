import {
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import type { ListedFile } from "../lib/files/store.ts";
import type { S3Connection } from "./client.ts";
import type { ConnectionConfig } from "./config.ts";
import { createKeyReader, toListedFile, toVersion } from "./objects.ts";

export interface ListingOptions {
  connection: S3Connection;
  config: Pick<ConnectionConfig, "bucket" | "requesterPays" | "isUnordered">;
}

interface Place {
  token?: string | undefined;
  after?: string | undefined;
}

type Page = ListObjectsV2CommandOutput | "token refused";

/**
 * The current version of each object, in the order of the server. The next page is asked for while this one is looked at.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 * @param after a key: those behind it come. It needs a server that lists in order
 */
export async function* listObjects(
  { connection, config }: ListingOptions,
  { prefix, after }: { prefix: string; after?: string },
): AsyncGenerator<ListedFile[], void> {
  let pageNo = 0;
  let last = after;
  const comesAgain = createRoundGuard();

  function ask(place: Place): Promise<Page> {
    pageNo += 1;
    const command = new ListObjectsV2Command({
      ...{ Bucket: config.bucket, Prefix: prefix, EncodingType: "url", OptionalObjectAttributes: ["RestoreStatus"] },
      ...{ ContinuationToken: place.token, StartAfter: place.token === undefined ? place.after : undefined },
      ...payer(config),
    });
    return connection.call<Page>(
      {
        doing: describePage(pageNo, prefix),
        permission: `s3:ListBucket on arn:aws:s3:::${config.bucket}`,
        unless: ({ name }) => (name === "InvalidArgument" && place.token !== undefined ? "token refused" : undefined),
      },
      ({ sdk }) => sdk.send(command),
    );
  }

  let next: Promise<Page> | null = ask({ after });
  while (next !== null) {
    const page: Page = await next;
    if (page === "token refused") {
      // A token may be too old by now; in order, the last key does as well.
      next = quietly(ask({ after: requireOrder(connection, config, { prefix, last }) }));
      continue;
    }
    const { Contents = [] } = page;
    requireEnd(connection, prefix, page);
    const isLast: boolean = page.IsTruncated !== true;
    const token: string | undefined = page.NextContinuationToken;
    if (!isLast && token === undefined) {
      throw invalid(connection, prefix, "a page is not the last one and does not say where the next one begins");
    }
    if (token !== undefined && !isLast && comesAgain(token)) throw invalid(connection, prefix, GOES_ROUND);
    next = isLast ? null : quietly(ask({ token }));
    const readKey = createKeyReader(page, () => invalid(connection, prefix, "a key is no text"));
    const objects = Contents.map((each) => ({ ...each, key: readKey(each.Key) }));
    if (!config.isUnordered) checkOrder(connection, prefix, last, objects);
    last = objects.at(-1)?.key ?? last;
    const files = objects.flatMap(toListedFile);
    if (files.length > 0) yield files;
  }
}

/**
 * All versions of each object and its delete markers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export async function* listVersions(
  { connection, config }: ListingOptions,
  { prefix }: { prefix: string },
): AsyncGenerator<ListedFile[], void> {
  let place: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  const comesAgain = createRoundGuard();
  for (let pageNo = 1; ; pageNo += 1) {
    const command = new ListObjectVersionsCommand({
      ...{ Bucket: config.bucket, Prefix: prefix, EncodingType: "url", ...place },
      ...{ OptionalObjectAttributes: ["RestoreStatus"], ...payer(config) },
    });
    const page: ListObjectVersionsCommandOutput = await connection.call(
      {
        doing: describePage(pageNo, prefix),
        permission: `s3:ListBucketVersions on arn:aws:s3:::${config.bucket}`,
      },
      ({ sdk }) => sdk.send(command),
    );
    requireEnd(connection, prefix, page);
    const { Versions = [], DeleteMarkers = [] } = page;
    const all = [...Versions, ...DeleteMarkers.map((marker) => ({ ...marker, isDeleteMarker: true }))];
    const readKey = createKeyReader(page, () => invalid(connection, prefix, "a key is no text"));
    const files = all.flatMap((each) => toVersion({ ...each, key: readKey(each.Key) }));
    if (files.length > 0) yield files;
    if (!page.IsTruncated) return;
    if (page.NextKeyMarker === undefined) {
      throw invalid(connection, prefix, "a page is not the last one and does not say where the next one begins");
    }
    place = { KeyMarker: readKey(page.NextKeyMarker), VersionIdMarker: page.NextVersionIdMarker };
    if (comesAgain(JSON.stringify(place))) throw invalid(connection, prefix, GOES_ROUND);
  }
}

export function payer({ requesterPays }: Pick<ConnectionConfig, "requesterPays">): { RequestPayer?: "requester" } {
  return requesterPays ? { RequestPayer: "requester" } : {};
}

/** Whoever looks at a page stops there, and this one is not waited for any more: its failure is nobody's. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function checkOrder(
  connection: S3Connection,
  prefix: string,
  last: string | undefined,
  objects: readonly { key: string }[],
): void {
  let before = last;
  for (const { key } of objects) {
    if (before !== undefined && compareBytes(before, key) >= 0) {
      throw connection.toError(`the listing of ${prefix}*`, {
        reasonCode: "source_response_invalid",
        said: "the server does not list keys in the order of their bytes",
        fix: "Set isUnordered in the connection's config.",
        permanent: true,
      });
    }
    before = key;
  }
}

/** UTF-16 orders as UTF-8 does, but for what lies beyond the first plane. */
function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return /[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)
    ? Buffer.compare(Buffer.from(a), Buffer.from(b))
    : a < b
      ? -1
      : 1;
}

/** Every server says so on every page. One that does not may have left out more than that. */
function requireEnd(
  connection: S3Connection,
  prefix: string,
  { IsTruncated }: { IsTruncated?: boolean | undefined },
): void {
  if (IsTruncated === undefined) throw invalid(connection, prefix, "a page does not say whether it is the last one");
}

const GOES_ROUND = "a page says that it is followed by itself, or by one before it";

/** Pages that follow each other in a circle would never end. One place is kept, and a later one each time twice as many have come. */
function createRoundGuard(): (place: string) => boolean {
  let kept: string | null = null;
  let [left, next] = [1, 2];
  return (place) => {
    if (place === kept) return true;
    left -= 1;
    if (left === 0) [kept, left, next] = [place, next, 2 * next];
    return false;
  };
}

function requireOrder(
  connection: S3Connection,
  { isUnordered }: Pick<ConnectionConfig, "isUnordered">,
  { prefix, last }: { prefix: string; last: string | undefined },
): string | undefined {
  if (!isUnordered) return last;
  throw invalid(connection, prefix, "the server does not accept the token of a page any more");
}

function invalid(connection: S3Connection, prefix: string, said: string): Error {
  return connection.toError(`the listing of ${prefix}*`, { reasonCode: "source_response_invalid", said });
}

function describePage(pageNo: number, prefix: string): string {
  return `page ${pageNo} of the listing of ${prefix}*`;
}
