import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { oneBucket } from "../../../../providers/lib/http/admission.ts";
import { bearerAuth } from "../../../../providers/lib/http/auth/fixed.ts";
import type { HttpStream, StreamRequest } from "../../../../providers/lib/http/client.ts";
import type { JsonValue } from "../../../../providers/lib/http/json.ts";
import { type JsonLinesOptions, readJsonLines } from "../../../../providers/lib/http/stream/json-lines.ts";
import { type FileServerOptions, serveFile } from "./file-server.ts";
import { openClient, serve } from "./local-http.ts";

const brotli = (file: Buffer): Buffer => brotliCompressSync(file, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });

const zstdFrame = (file: Buffer): Buffer => zstdCompressSync(file);

const FILE: StreamRequest = { doing: "export 7", method: "GET", url: "file" };

const linesOf = (count: number, from = 0): Buffer =>
  Buffer.from(
    Array.from({ length: count }, (_, i) => `${JSON.stringify({ id: from + i, name: `nämé ${from + i}` })}\n`).join(""),
  );

async function bytesOf(stream: HttpStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function valuesOf(stream: HttpStream, options?: JsonLinesOptions): Promise<JsonValue[]> {
  const values: JsonValue[] = [];
  for await (const piece of readJsonLines(stream, options)) values.push(...piece.values);
  return values;
}

async function openFile(file: Buffer, options: FileServerOptions = {}, request: Partial<StreamRequest> = {}) {
  const server = await serveFile(file, options);
  const client = openClient({ baseUrl: server.origin });
  return { server, client, open: () => client.stream({ ...FILE, ...request }) };
}

describe("a streamed body", () => {
  it.each([
    ["none", (file: Buffer) => file, {}],
    ["gzip", gzipSync, { "content-encoding": "gzip" }],
    ["gzip that a proxy has unpacked", (file: Buffer) => file, { "content-encoding": "gzip" }],
    ["deflate", deflateSync, { "content-encoding": "deflate" }],
    ["deflate without its header", deflateRawSync, { "content-encoding": "deflate" }],
    ["br", brotli, { "content-encoding": "br" }],
    ["zstd", zstdCompressSync, { "content-encoding": "zstd" }],
    ["gzip within br", (file: Buffer) => brotli(gzipSync(file)), { "content-encoding": "gzip, br" }],
    [
      "two gzip files, one behind the other",
      (file: Buffer) => Buffer.concat([gzipSync(file.subarray(0, 1000)), gzipSync(file.subarray(1000))]),
      { "content-encoding": "gzip" },
    ],
    [
      "zstd of several frames",
      (file: Buffer) =>
        Buffer.concat([file.subarray(0, 1000), file.subarray(1000, 9000), file.subarray(9000)].map(zstdFrame)),
      { "content-encoding": "zstd" },
    ],
  ])("comes unpacked, larger than any bound of an answer in memory: %s", async (_, pack, headers) => {
    const file = linesOf(50_000);
    const server = await serveFile(pack(file), { headers });
    const client = openClient({ baseUrl: server.origin, maxBodyBytes: 1000 });
    const stream = await client.stream(FILE);
    expect((await bytesOf(stream)).equals(file)).toBe(true);
    expect(stream.wireBytes()).toBe(server.file.length);
  });

  it("is unpacked as its file is packed, whatever its headers say", async () => {
    const file = linesOf(10);
    const { open } = await openFile(gzipSync(file), {}, { packed: "gzip" });
    expect(await bytesOf(await open())).toEqual(file);
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotli],
    ["zstd", zstdCompressSync],
    ["deflate", deflateSync],
  ])("that is packed and cut off is an error: %s", async (encoding, pack) => {
    const packed = pack(linesOf(5_000));
    const { open } = await openFile(packed.subarray(0, packed.length - 5), {
      headers: { "content-encoding": encoding },
    });
    await expect(bytesOf(await open())).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotli],
    ["zstd", zstdCompressSync],
  ])("that unpacks without end is an error, after little work: %s", async (encoding, pack) => {
    const { open } = await openFile(pack(Buffer.alloc(300 * 1024 * 1024)), {
      headers: { "content-encoding": encoding },
    });
    let bytes = 0;
    const read = (async () => {
      for await (const chunk of (await open()).bytes()) bytes += chunk.length;
    })();
    await expect(read).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_response_invalid" });
    await expect(read).rejects.toThrow("is more than 400 times as large as what was sent");
    expect(bytes).toBeLessThan(200 * 1024 * 1024);
  });

  it("is bounded where the request says so", async () => {
    const { open } = await openFile(linesOf(1000), {}, { maxBytes: 5000 });
    await expect(open().then(bytesOf)).rejects.toThrow(
      "http_api: export 7 failed: the answer has more than 5,000 bytes",
    );
  });

  it("that nobody takes waits at the source", async () => {
    let written = 0;
    const local = await serve(async (_, response) => {
      await pour(response, "\n", (bytes) => {
        written += bytes;
      });
    });
    const stream = await openClient({ baseUrl: local.origin }).stream(FILE);
    const bytes = stream.bytes();
    await bytes.next();
    await settled(() => written);
    expect(written).toBeLessThan(32 * 1024 * 1024);
    await bytes.return();
  });

  it("ends in a moment when its request is aborted, whether somebody waits for the source or not", async () => {
    const aborted = new AbortController();
    const local = await serve((_, response) => response.writeHead(200).write("first\n"));
    const client = openClient({ baseUrl: local.origin, signal: aborted.signal });
    const [waiting, idle] = [await client.stream(FILE), await client.stream(FILE)].map((each) => each.bytes());
    await waiting?.next();
    await idle?.next();
    const next = waiting?.next();
    expect(client.look()).not.toBe("none");
    aborted.abort(new Error("cancelled"));
    await expect(next).rejects.toThrow("cancelled");
    await expect(idle?.next()).rejects.toThrow("cancelled");
  });

  it("that somebody stops reading closes its connection", async () => {
    let closed = false;
    const local = await serve((_, response) => {
      response.on("close", () => {
        closed = true;
      });
      response.writeHead(200).write("first\n");
    });
    const stream = await openClient({ baseUrl: local.origin }).stream(FILE);
    for await (const _ of stream.bytes()) break;
    await expect.poll(() => closed).toBe(true);
  });

  it("that is refused is an error as of any request, and is asked for again after a 503", async () => {
    const statuses = [503, 200];
    const local = await serve((_, response) => response.writeHead(statuses.shift() ?? 404).end("[1]"));
    const client = openClient({ baseUrl: local.origin });
    expect((await bytesOf(await client.stream(FILE))).toString()).toBe("[1]");
    await expect(client.stream(FILE)).rejects.toMatchObject({ reasonCode: "source_resource_not_found" });
  });

  it("that is ended by its connection alone is an error at its end, unless that is known", async () => {
    const local = await serve((_, response) => {
      response.socket?.end("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nall of it");
    });
    const client = openClient({ baseUrl: local.origin });
    await expect(client.stream(FILE).then(bytesOf)).rejects.toThrow("may have been cut");
    const known = await client.stream({ ...FILE, mayEndWithConnection: true });
    expect((await bytesOf(known)).toString()).toBe("all of it");
  });

  it.each([
    ["is not", "[1]\n"],
    ["has nothing of it", ""],
  ])("that says to be packed and %s shows no end by that", async (_, body) => {
    const local = await serve((_, response) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n${body}`);
    });
    const read = openClient({ baseUrl: local.origin }).stream(FILE).then(bytesOf);
    await expect(read).rejects.toThrow("may have been cut");
  });
});

describe("a body whose connection breaks", () => {
  const file = linesOf(20_000);

  it("goes on where it broke off, as often as it gets on", async () => {
    const breaksAfter = [100_000, 150_000, 70_000, 90_000, 80_000];
    const { server, open } = await openFile(file, { breaksAfter });
    expect((await bytesOf(await open())).equals(file)).toBe(true);
    expect(server.starts).toHaveLength(6);
    expect(server.starts.at(-1)).toBeGreaterThan(400_000);
    expect(server.received.map(({ headers }) => headers["if-match"] === undefined)).toEqual([
      true,
      ...Array.from({ length: 5 }, () => false),
    ]);
  });

  it("goes on within its compressed bytes", async () => {
    const packed = gzipSync(file);
    const { server, open } = await openFile(packed, { breaksAfter: [70_000], headers: { "content-encoding": "gzip" } });
    expect((await bytesOf(await open())).equals(file)).toBe(true);
    expect(server.starts[1]).toBeGreaterThan(0);
  });

  it("is read again up to that place where the source knows no ranges", async () => {
    const { server, open } = await openFile(file, { breaksAfter: [100_000], ranges: false });
    expect((await bytesOf(await open())).equals(file)).toBe(true);
    expect(server.starts).toEqual([0, 0]);
  });

  it("is lost where the file was changed meanwhile, also if the source does not look at preconditions", async () => {
    for (const ignores of [false, true]) {
      const { server, open } = await openFile(file, {
        breaksAfter: [100_000],
        answer: ({ headers }) => {
          if (ignores) delete headers["if-match"];
          return false;
        },
      });
      const bytes = (await open()).bytes();
      await bytes.next();
      server.file = linesOf(20_000, 1);
      const rest = (async () => {
        for await (const _ of bytes);
      })();
      await expect(rest).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_snapshot_lost" });
      await expect(rest).rejects.toThrow("the file was changed while it was being read");
    }
  });

  it.each([
    ["has none", () => null],
    ["is weak", () => 'W/"1"'],
  ])("is cut where its version %s", async (_, etag) => {
    const { open } = await openFile(file, { breaksAfter: [100_000], etag });
    const read = open().then(bytesOf);
    await expect(read).rejects.toMatchObject({ name: "TransientError", reasonCode: "source_unavailable" });
    await expect(read).rejects.toThrow(/after [\d,]+ bytes/);
  });

  it("is asked for until it is whole where the source gives less at once than is left", async () => {
    const most = 100_000;
    const local = await serve(({ headers }, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
      const part = file.subarray(from, from === 0 ? file.length : from + most);
      const range = { "content-range": `bytes ${from}-${from + part.length - 1}/${file.length}` };
      response.writeHead(from === 0 ? 200 : 206, { etag: '"1"', "content-length": part.length, ...range });
      if (from > 0) response.end(part);
      else response.write(part.subarray(0, most), () => setTimeout(() => response.socket?.resetAndDestroy(), 30));
    });
    expect((await bytesOf(await openClient({ baseUrl: local.origin }).stream(FILE))).equals(file)).toBe(true);
  });

  it("is whole where it broke after its last byte", async () => {
    const local = await serve(({ headers }, response) => {
      if (headers.range === `bytes=${file.length}-`)
        return response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
      response.writeHead(200, { etag: '"1"' });
      return response.write(file, () => setTimeout(() => response.socket?.resetAndDestroy(), 100));
    });
    const client = openClient({ baseUrl: local.origin });
    const stream = await client.stream(FILE);
    expect((await bytesOf(stream)).equals(file)).toBe(true);
    const from = stream.positionAt(file.length);
    expect(await bytesOf(await client.stream({ ...FILE, ...(from && { from }) }))).toHaveLength(0);
  });

  it("is given up where it does not get on", async () => {
    const { server, open } = await openFile(file, { breaksAfter: [10, 10, 10, 10, 10, 10, 10, 10] });
    await expect(open().then(bytesOf)).rejects.toMatchObject({ reasonCode: "source_unavailable" });
    expect(server.starts).toHaveLength(4);
  });
});

describe("a position", () => {
  it.each<[string, (file: Buffer) => Buffer, Record<string, string>]>([
    ["plain", (file) => file, {}],
    ["packed", (file) => gzipSync(file), { "content-encoding": "gzip" }],
  ])("is where a later request goes on, without a line twice or lost: %s", async (_, pack, headers) => {
    const file = linesOf(30_000);
    const { client, open } = await openFile(pack(file), { headers });
    const stream = await open();
    const values: JsonValue[] = [];
    let from: StreamRequest["from"];
    for await (const piece of readJsonLines(stream)) {
      values.push(...piece.values);
      from = stream.positionAt(piece.endsAt) ?? undefined;
      if (values.length > 5_000) break;
    }
    const stored = JSON.parse(JSON.stringify(from));
    values.push(...(await valuesOf(await client.stream({ ...FILE, from: stored }))));
    expect(values.map((value) => JSON.stringify(value)).join("\n")).toBe(file.toString().trimEnd());
  });

  it("of another version of the file is lost", async () => {
    const { server, client, open } = await openFile(linesOf(10));
    const from = (await open()).positionAt(20);
    server.file = linesOf(10, 1);
    await expect(client.stream({ ...FILE, ...(from && { from }) })).rejects.toMatchObject({
      reasonCode: "source_snapshot_lost",
    });
  });
});

describe("JSONL", () => {
  const read = async (body: string | Buffer, options?: JsonLinesOptions) => {
    const { open } = await openFile(Buffer.from(body));
    return valuesOf(await open(), options);
  };

  it("is read line by line, with exact numbers, with or without a last newline, CRLF and empty lines", async () => {
    const values = await read('\ufeff{"a":1.10}\r\n\r\n  \n[12345678901234567890]\n"x\u2028y"');
    expect(JSON.stringify(values)).toBe('[{"a":1.10},[12345678901234567890],"x\u2028y"]');
  });

  it("is read whole wherever chunks divide it", async () => {
    const file = linesOf(40);
    const local = await serve(async (_, response) => {
      for (const byte of file) {
        response.write(Buffer.from([byte]));
        if (byte % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    const values = await valuesOf(await openClient({ baseUrl: local.origin }).stream(FILE));
    expect(values.map((value) => `${JSON.stringify(value)}\n`).join("")).toBe(file.toString());
  });

  it.each([
    ["no JSON", '{"a":1}\n{"a":\n', "line 2 is not JSON"],
    ["cut off", '{"a":1}\n\n{"a":', "line 3 is not JSON"],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22, 10]), "is not UTF-8"],
    [
      "of lists without end",
      `${JSON.stringify(Array.from({ length: 300_000 }, () => []))}\n`,
      "more than 200,000 values",
    ],
  ])("that is %s is an error that says where", async (_, body, why) => {
    await expect(read(body)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
    await expect(read(body)).rejects.toThrow(why);
  });

  it("may have texts with as many commas and brackets as there is room for", async () => {
    const note = `${"[{,".repeat(80_000)}\\",["`;
    const values = await read(`${JSON.stringify({ note })}\n`);
    expect(values.map((value) => JSON.stringify(value))).toEqual([JSON.stringify({ note })]);
  });

  it("that has a line without end is an error once it is too long, with little in memory", async () => {
    let written = 0;
    const local = await serve(async (_, response) => {
      await pour(response, "x", (bytes) => {
        written += bytes;
      });
    });
    const stream = await openClient({ baseUrl: local.origin }).stream(FILE);
    await expect(valuesOf(stream, { maxLineBytes: 1_000_000 })).rejects.toThrow(
      "has a line of more than 1,000,000 bytes",
    );
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("a presigned address", () => {
  it("on another host is asked without credentials, headers or parameters of the connection", async () => {
    const files = await serveFile(linesOf(3));
    const client = openClient({
      baseUrl: "http://127.0.0.1:9/api?key=canary-1",
      headers: { "x-shop": "canary-2" },
      auth: bearerAuth("canary-3"),
      limit: oneBucket({ bucket: "b", perSecond: 1, burst: 1, concurrency: 1 }),
    });
    const url = `${files.origin}/a%2Fb?X-Amz-Signature=abc%2Bdef&b=1&a=%20`;
    for (let i = 0; i < 3; i += 1) await valuesOf(await client.stream({ ...FILE, url, presigned: true }));
    expect(files.received[0]?.url).toBe("/a%2Fb?X-Amz-Signature=abc%2Bdef&b=1&a=%20");
    expect(JSON.stringify(files.received)).not.toContain("canary");
    await expect(client.send({ ...FILE, url })).rejects.toMatchObject({ reasonCode: "source_address_refused" });
  });

  it("is not shown by an error, though the source quotes it", async () => {
    const files = await serve(({ url }, response) => response.writeHead(403).end(`<Signature>${url}</Signature>`));
    const client = openClient({ baseUrl: "http://127.0.0.1:9" });
    const url = `${files.origin}/get/0123456789abcdef0123456789canary?sig=canary%2F12345678`;
    for (const ask of [client.send, client.stream]) {
      const asked = ask({ ...FILE, url, presigned: true });
      await expect(asked).rejects.toMatchObject({ reasonCode: "source_permission_denied" });
      await expect(asked).rejects.toThrow(`GET ${files.origin}/... answered 403`);
      await expect(asked).rejects.not.toThrow("canary");
    }
  });

  it("may not lead where the egress policy lets nobody", async () => {
    const files = await serve((_, response) => response.writeHead(302, { location: "http://169.254.169.254/" }).end());
    const client = openClient({ baseUrl: files.origin });
    for (const url of ["http://169.254.169.254/latest", `${files.origin}/moved`]) {
      await expect(client.stream({ ...FILE, url, presigned: true })).rejects.toMatchObject({
        reasonCode: "source_address_refused",
      });
    }
  });
});

/** Half a gigabyte of one character, as fast as it is taken. */
async function pour(response: ServerResponse, character: string, note: (bytes: number) => void): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, character);
  const pieces = Readable.from(
    (function* () {
      for (let i = 0; i < 8192; i += 1) {
        note(piece.length);
        yield piece;
      }
    })(),
    { objectMode: false },
  );
  // Whoever does not take it all closes the connection.
  await pipeline(pieces, response).catch(() => undefined);
}

async function settled(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
