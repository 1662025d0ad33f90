import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiProcess, launchApi, whenReady } from "../support/api-process.ts";
import { createControlDatabase, type TestDatabase } from "../support/postgres.ts";

/** What arrives as bytes, before anybody knows whether it is a request. */

/** pino's number. */
const WARNING = 40;

let database: TestDatabase;
let server: ApiProcess;
beforeAll(async () => {
  database = await createControlDatabase();
  server = await whenReady(launchApi({ DATABASE_URL: database.url }));
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
  // What was a client's fault is nothing that somebody has to be woken up for.
  expect(server.lines.filter((line) => JSON.parse(line).level >= WARNING)).toEqual([]);
  await database.drop();
});

interface WireAnswer {
  status: number;
  head: string;
  body: string;
}

/** Sends the bytes and reads until the server hangs up. */
async function exchange(bytes: string | Buffer): Promise<WireAnswer[]> {
  const socket = connect(server.port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A server that refuses what is still on its way resets the connection.
  socket.on("error", () => undefined);
  socket.setTimeout(5_000, () => socket.destroy(new Error("no end")));
  socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  await once(socket, "close");
  const text = Buffer.concat(chunks).toString();
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => {
    const [head = "", ...body] = answer.split("\r\n\r\n");
    return { status: Number(head.split(" ")[1]), head, body: body.join("\r\n\r\n") };
  });
}

/** A request that asks for the connection to be closed. */
function request(line: string, headers: string[] = [], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  return `${[`${line} HTTP/1.1`, "Host: 127.0.0.1", "Connection: close", ...length, ...headers].join("\r\n")}\r\n\r\n${body}`;
}

const LIST = "GET /api/v1/syncs";

describe("what is no request", () => {
  it.each([
    ["no HTTP", "garbage\r\n\r\n"],
    ["another version", "GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n"],
    ["HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a method that does not exist", request("FROB /api/v1/syncs")],
    ["a target that is no path", request("GET api/v1/syncs")],
    ["a target with bytes beyond ASCII", request("GET /api/v1/syncs/\xff")],
    ["a target of another scheme", request("GET ftp://127.0.0.1/api/v1/syncs")],
    ["a backslash for a slash", request("GET /api\\v1\\syncs")],
    ["options of the server", request("OPTIONS *")],
    ["a Host that is none", request(LIST).replace("127.0.0.1", "a b/c")],
    ["a Host with a user", request(LIST).replace("127.0.0.1", "evil@127.0.0.1")],
    ["two Hosts", request(LIST, ["Host: 127.0.0.1"])],
    ["two Hosts that differ", request(LIST, ["Host: evil.example"])],
    ["two Hosts, and a target that names the server", request("GET http://127.0.0.1/healthz", ["host: evil.example"])],
    ["an empty Host beside another", request(LIST, ["Host:"])],
    ["no Host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["two lengths", request("POST /api/v1/syncs", ["Content-Length: 3"], "{}")],
    ["a negative length", request("POST /api/v1/syncs", ["Content-Length: -1"])],
    ["a length and chunks", request("POST /api/v1/syncs", ["Transfer-Encoding: chunked"], "{}")],
    ["a chunk without a size", `${request("POST /api/v1/syncs", ["Transfer-Encoding: chunked"])}ZZ\r\n{}\r\n0\r\n\r\n`],
    ["a header with NUL", request(LIST, ["X: a\0b"])],
    ["a folded header", request(LIST, ["X: a", " b"])],
    ["a space before the colon", request(LIST, ["X : a"])],
    ["lines without CR", "GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n"],
  ])("is a 400 that says so: %s", async (_, bytes) => {
    const [answer] = await exchange(bytes);
    expect(answer).toMatchObject({ status: 400 });
    expect(JSON.parse(answer?.body ?? "")).toEqual({ detail: expect.any(String), code: "malformed_request" });
  });

  it("is a 431 when it has no end", async () => {
    const large = "a".repeat(20_000);
    for (const bytes of [request(LIST, [`X: ${large}`]), request(`${LIST}?q=${large}`)]) {
      const [answer] = await exchange(bytes);
      expect(answer).toMatchObject({ status: 431 });
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code: "malformed_request" });
    }
  });

  it("does not cut off those that speak on other connections", async () => {
    const [, answer] = await Promise.all([exchange("garbage\r\n\r\n"), exchange(request(LIST))]);
    expect(answer).toMatchObject([{ status: 200 }]);
  });
});

describe("an unusual request", () => {
  it.each([
    ["of HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 200],
    ["with a body where none is expected", request("GET /api/v1/syncs", [], "{}"), 200],
    ["with a long query", request(`${LIST}?q=${"a".repeat(10_000)}`), 200],
    ["with bytes in its query that are no UTF-8", request(`${LIST}?q=%ff%c0%af`), 200],
    ["with NUL in its query", request(`${LIST}?q=%00`), 200],
    ["with a broken escape in its query", request(`${LIST}?q=%zz&q=%`), 200],
    ["with names from the prototype in its query", request(`${LIST}?__proto__=1&constructor=2&toString=3`), 200],
    ["with a target that names the server", request("GET http://127.0.0.1/api/v1/syncs"), 200],
    ["with a target that names another server", request("GET http://evil.example/api/v1/syncs"), 403],
    ["with dots in its path", request("GET /api/v1/x/../syncs"), 200],
    ["that would rather speak another protocol", request(LIST, ["Upgrade: h2c"]), 200],
    ["with a body that nobody can read", request("POST /api/v1/syncs", ["Content-Encoding: gzip"], "\x1f\x8b"), 422],
    ["with a content type of bytes", request("POST /api/v1/syncs", ["Content-Type: \xff/;;"], "{}"), 422],
    ["with NUL in its path", request("GET /api/v1/syncs/%00"), 422],
    ["with bytes in its path that are no UTF-8", request("GET /api/v1/syncs/%ff"), 422],
    ["with a broken escape in its path", request("GET /api/v1/syncs/%zz"), 422],
    ["with an encoded slash", request("GET /api%2fv1/syncs"), 404],
    ["with one slash too many", request("GET /api//v1/syncs"), 404],
    ["with two slashes at the front", request("GET //127.0.0.1/api/v1/syncs"), 404],
    ["with a slash at the end", request("GET /api/v1/syncs/"), 404],
    ["to trace", request("TRACE /api/v1/syncs"), 405],
    ["to query", request("QUERY /api/v1/syncs"), 405],
    ["to put", request("PUT /api/v1/syncs", [], "{}"), 405],
  ])("is answered all the same: %s", async (_, bytes, status) => {
    const [answer] = await exchange(bytes);
    expect(answer?.status, answer?.body).toBe(status);
    expect(answer?.head).toMatch(/content-type: application\/json/i);
    expect(JSON.parse(answer?.body ?? "")).toEqual(expect.any(Object));
  });

  it("of a method that the path does not have is told which it has", async () => {
    const [answer] = await exchange(request("DELETE /api/v1/syncs"));
    expect(answer).toMatchObject({ status: 405 });
    expect(answer?.head).toMatch(/allow: GET, HEAD, POST\r\n/i);
  });

  it("for the head alone gets no body", async () => {
    expect(await exchange(request("HEAD /api/v1/syncs"))).toMatchObject([{ status: 200, body: "" }]);
  });

  it("that asks before it sends is told to go on", async () => {
    const answers = await exchange(request("POST /api/v1/syncs", ["Expect: 100-continue"], "{}"));
    expect(answers.map(({ status }) => status)).toEqual([100, 422]);
  });

  it("that is far too large is told that its connection ends, so that nothing else is sent on it", async () => {
    const size = 17 * 1024 * 1024;
    const head = `POST /api/v1/syncs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${size}\r\n\r\n`;
    const [answer] = await exchange(Buffer.concat([Buffer.from(head), Buffer.alloc(size, " ")]));
    expect(answer).toMatchObject({ status: 422, body: expect.stringContaining("larger than") });
    expect(answer?.head).toMatch(/^connection: close\r?$/im);
  });

  it("among many on one connection gets its answer in its turn", async () => {
    const post = "POST /api/v1/syncs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}";
    const health = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const answers = await exchange([post, health, post, health, request(LIST)].join(""));
    expect(answers.map(({ status }) => status)).toEqual([422, 200, 422, 200, 200]);
  });

  it("whose client leaves in the middle of it does no harm", async () => {
    const half = request("POST /api/v1/syncs", ["Content-Length: 100"]);
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(server.port, "127.0.0.1");
        await once(socket, "connect");
        socket.write(half);
        socket.destroy();
        await once(socket, "close");
      }),
    );
    expect(await exchange(request(LIST))).toMatchObject([{ status: 200 }]);
  });
});
