import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { openByHttp } from "../../../../providers/lib/files/open-by-http.ts";
import { FileChangedError, FileGoneError, FileRefusedError } from "../../../../providers/lib/files/store.ts";
import { type FileServerOptions, serveFile } from "../http/file-server.ts";
import { openClient } from "../http/local-http.ts";

const FILE = Buffer.from("0123456789".repeat(20_000));
const etagOf = (file: Buffer): string => `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;

async function open(from: number, options: FileServerOptions = {}) {
  const server = await serveFile(FILE, { ...options, etag: etagOf });
  const client = openClient({ baseUrl: server.origin });
  return {
    server,
    opened: () => openByHttp(client, { path: "in/a.csv" }, { url: "file", etag: etagOf(FILE), from }),
  };
}

it.each([0, 7, FILE.length - 1])("gives the bytes from %i on, also where the connection breaks", async (from) => {
  const { opened } = await open(from, { breaksAfter: [50_000, 60_000] });
  expect((await buffer(await opened())).equals(FILE.subarray(from))).toBe(true);
});

it("tells a version that is another one before the first byte, and on its way", async () => {
  const before = await open(0);
  before.server.file = Buffer.from("another");
  await expect(before.opened()).rejects.toBeInstanceOf(FileChangedError);
  const midway = await open(0, { breaksAfter: [50_000] });
  const stream = await midway.opened();
  midway.server.file = Buffer.from("another");
  await expect(buffer(stream)).rejects.toBeInstanceOf(FileChangedError);
});

it("tells a file that is gone", async () => {
  const { opened } = await open(0, {
    answer: (_, response) => {
      response.writeHead(404).end();
      return true;
    },
  });
  await expect(opened()).rejects.toBeInstanceOf(FileGoneError);
});

it("tells a file that may not be read", async () => {
  const { opened } = await open(0, {
    answer: (_, response) => {
      response.writeHead(403).end();
      return true;
    },
  });
  await expect(opened()).rejects.toBeInstanceOf(FileRefusedError);
});
