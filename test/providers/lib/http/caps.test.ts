import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { GET, openClient, serve } from "./local-http.ts";

const ONCE = { retry: { maxAttempts: 1 } };
const json = JSON.stringify({ rows: "x".repeat(10_000) });

/** Speaks whatever `speak` writes, HTTP or not. */
async function speakRaw(speak: (socket: Socket) => unknown): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => speak(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function drip(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.once("close", () => clearInterval(timer));
}

describe("an answer that is compressed", () => {
  it.each([
    ["gzip", gzipSync(json)],
    ["x-gzip", gzipSync(json)],
    ["gzip", json],
    ["deflate", deflateSync(json)],
    ["br", brotliCompressSync(json)],
    ["zstd", zstdCompressSync(json)],
    ["zstd", Buffer.concat([json.slice(0, 3), json.slice(3)].map((part) => zstdCompressSync(part)))],
    ["gzip, br", brotliCompressSync(gzipSync(json))],
    ["identity", Buffer.from(json)],
    ["GZIP", gzipSync(json)],
    ["deflate", deflateRawSync(json)],
    ["utf-8", Buffer.from(json)],
    ["none", Buffer.from(json)],
    ["", Buffer.from(json)],
    ["identity, gzip", gzipSync(json)],
  ])("is read: %s", async (encoding, body) => {
    const local = await serve((_, response) => response.writeHead(200, { "content-encoding": encoding }).end(body));
    const response = await openClient({ baseUrl: local.origin }).send(GET);
    expect(response.body.toString()).toBe(json);
  });

  it("is read when it is a refusal, too", async () => {
    const local = await serve((_, response) =>
      response.writeHead(400, { "content-encoding": "gzip" }).end(gzipSync("no such field")),
    );
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toThrow("no such field");
  });

  it.each([
    ["in a way that nobody asked for", "compress", Buffer.from("abc")],
    ["and broken", "gzip", Buffer.from("\x1f\x8bthis is not gzip", "latin1")],
    ["and cut", "gzip", gzipSync(json).subarray(0, 30)],
    ["and broken, brotli", "br", Buffer.from("this is not brotli")],
    ["and broken, zstd", "zstd", Buffer.from("this is not zstd")],
    ["too often", "gzip,gzip,gzip,gzip,gzip,gzip", gzipSync(json)],
  ])("%s is invalid", async (_, encoding, body) => {
    const local = await serve((_request, response) =>
      response.writeHead(200, { "content-encoding": encoding }).end(body),
    );
    await expect(openClient({ baseUrl: local.origin, ...ONCE }).send(GET)).rejects.toMatchObject({
      reasonCode: "source_response_invalid",
    });
  });

  it.each([
    ["gzip", gzipSync(Buffer.alloc(256 * 1024 * 1024))],
    ["gzip, gzip", gzipSync(gzipSync(Buffer.alloc(256 * 1024 * 1024)))],
    ["br", brotliCompressSync(Buffer.alloc(64 * 1024 * 1024))],
  ])("and swells is given up before it takes memory: %s", async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(1024 * 1024);
    const local = await serve((_, response) => response.writeHead(200, { "content-encoding": encoding }).end(bomb));
    const before = process.memoryUsage.rss();
    await expect(openClient({ baseUrl: local.origin, maxBodyBytes: 8 * 1024 * 1024 }).send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_response_invalid",
      message: expect.stringContaining("the answer is larger than maxBodyBytes"),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    expect(local.received).toHaveLength(1);
  });
});

describe("an answer that is too large", () => {
  it.each([
    ["as announced", { "content-length": "5000000" }],
    ["without announcing it", {}],
  ])("%s is given up", async (_, headers) => {
    const local = await serve((_request, response) =>
      response.writeHead(200, headers).end(Buffer.alloc(5_000_000, "x")),
    );
    const client = openClient({ baseUrl: local.origin, maxBodyBytes: 1_000_000 });
    await expect(client.send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_response_invalid",
    });
    expect(local.received).toHaveLength(1);
  });

  it("in its headers is given up", async () => {
    const origin = await speakRaw((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nx-a: ${"a".repeat(100_000)}\r\ncontent-length: 0\r\n\r\n`),
    );
    await expect(openClient({ baseUrl: origin, ...ONCE }).send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_response_invalid",
    });
  });

  it("up to the limit is read", async () => {
    const local = await serve((_, response) => response.writeHead(200).end(Buffer.alloc(1_000_000, "x")));
    const response = await openClient({ baseUrl: local.origin, maxBodyBytes: 1_000_000 }).send(GET);
    expect(response.body.length).toBe(1_000_000);
  });
});

describe("an answer that is no HTTP", () => {
  it.each([
    ["another protocol", "220 mail.example ESMTP\r\n"],
    ["a broken chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n"],
  ])("is invalid: %s", async (_, text) => {
    const origin = await speakRaw((socket) => socket.end(text));
    await expect(openClient({ baseUrl: origin, ...ONCE }).send(GET)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_response_invalid",
    });
  });
});

describe("an answer that does not come", () => {
  const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";

  it.each<[string, (socket: Socket) => unknown]>([
    ["at all", () => undefined],
    [
      "but for headers, a byte at a time",
      (socket) => {
        socket.write("HTTP/1.1 200 OK\r\nx-a: ");
        drip(socket, "a", 100);
      },
    ],
    ["to its end", (socket) => socket.write(`${HEAD}[1,`)],
    [
      "but a byte at a time",
      (socket) => {
        socket.write(HEAD);
        drip(socket, "1", 100);
      },
    ],
  ])("times out once: %s", async (_, speak) => {
    let connections = 0;
    const origin = await speakRaw((socket) => {
      connections += 1;
      return speak(socket);
    });
    const startedAt = Date.now();
    await expect(openClient({ baseUrl: origin, timeoutMs: 1_000 }).send(GET)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_timeout",
      message: expect.stringContaining(`GET ${origin}/orders: `),
    });
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    expect(connections).toBe(1);
  });

  it("is at work only when a byte has come since it was last asked, and waits as long as a request is in flight", async () => {
    const gate = Promise.withResolvers<Socket>();
    const origin = await speakRaw(gate.resolve);
    const client = openClient({ baseUrl: origin });
    const sent = client.send(GET);
    const socket = await gate.promise;
    expect(client.look()).toBe("waiting");
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    await expect.poll(client.look).toBe("working");
    expect(client.look()).toBe("waiting");
    socket.write("[");
    await expect.poll(client.look).toBe("working");
    expect(client.look()).toBe("waiting");
    socket.write("1 ]");
    expect((await sent).json()).toEqual([1]);
    await expect.poll(client.look).toBe("none");
  });
});
