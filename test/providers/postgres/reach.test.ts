import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import type { EgressPolicy } from "../../../egress/policy.ts";
import { findProvider } from "../../../providers/index.ts";
import type { Source } from "../../../providers/provider.ts";
import { createDnsServer } from "../../support/dns-server.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { createTcpServer } from "../../support/tcp-server.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Messages of a server. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const message = (kind: string, ...body: number[]) =>
  Buffer.from([kind.charCodeAt(0), 0, 0, 0, body.length + 4, ...body]);
/** Longer than `message` can make one. */
function errorOf(fields: string): Buffer {
  const head = Buffer.from("E\0\0\0\0");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, Buffer.from(fields)]);
}
const LOGGED_IN = Buffer.concat([message("R", 0, 0, 0, 0), message("Z", "I".charCodeAt(0))]);

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

async function listen(serve?: (socket: Socket) => void) {
  const server = await createTcpServer(serve);
  opened.push(server);
  return server;
}

async function open(
  config: Record<string, unknown>,
  egress: EgressPolicy = LOOPBACK_EGRESS,
  password = "s3cret",
): Promise<Source> {
  const provider = findProvider("postgres");
  if (provider === null) throw new Error("no postgres provider");
  const source = await provider.connect({
    config: provider.connectionSchema.parse({
      ...{ database: "shop", user: "sluice", sslMode: "disable", connectTimeoutSeconds: 1 },
      ...config,
    }),
    secrets: { password },
    sourceConfig: {},
    signal: new AbortController().signal,
    redactor: createRedactor(),
    shared: createSharedConnection(),
    egress,
  });
  opened.push(source);
  return source;
}

describe("what a deployment lets the Postgres connector reach", () => {
  it("is refused in a check that says which setting it is, without a connection", async () => {
    const server = await listen();
    const egress = { allowPrivate: [], allowOnly: ["db.example", "10.0.0.0/8"] };
    for (const host of ["127.0.0.1", "localhost"]) {
      const checks = await (await open({ host, port: server.port }, egress)).check();
      expect(checks).toEqual([
        {
          name: "connect",
          ok: false,
          message: `postgres: connection check failed: ${host} is not among the hosts that this deployment lets connectors reach at port ${server.port}.`,
          fix: "Use a host that it allows, or have an operator add this one to SLUICE_EGRESS_ALLOW_ONLY.",
        },
      ]);
    }
    await expect((await open({ host: "127.0.0.1", port: server.port }, egress)).discover(null)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_address_refused",
    });
    expect(server.count()).toBe(0);
  });

  it("says the same of a port that is open, of one that is closed, and of a host that swallows everything", async () => {
    const server = await listen();
    const egress = { allowPrivate: [], allowOnly: ["db.example"] };
    const said = await Promise.all(
      [server.port, 1, 65_000].map(async (port) =>
        JSON.stringify(await (await open({ host: "127.0.0.1", port }, egress)).check()),
      ),
    );
    expect(new Set(said.map((text) => text.replace(/at port \d+/, ""))).size).toBe(1);
  });
});

describe("a name whose answers change between lookups", () => {
  let source: PostgresSource;
  beforeAll(async () => {
    source = await createPostgresSource("create table items (id int primary key)");
  });
  afterAll(() => source.close());

  it("is judged for each connection, and is never where the check was not", async () => {
    const target = await listen();
    const answers: string[] = [];
    const dns = await createDnsServer(() => answers.shift() ?? "169.254.169.254");
    opened.push(dns);
    const egress = { allowPrivate: [], allowOnly: ["127.0.0.1"], resolve: dns.resolve };
    answers.push("127.0.0.1");
    const config = { ...source.config, host: "rebinding.example", connectTimeoutSeconds: 10 };
    const rebinding = await open(config, egress, source.secrets.password);
    expect((await rebinding.check()).map(({ ok }) => ok)).not.toContain(false);
    expect(dns.asked).toHaveLength(1);
    // The next session asks again, and is told something else.
    answers.push("127.0.0.2");
    const refused = await open({ ...config, port: target.port }, egress, source.secrets.password);
    await expect(refused.discover(null)).rejects.toMatchObject({ reasonCode: "source_address_refused" });
    await expect(refused.discover(null)).rejects.toMatchObject({ reasonCode: "source_address_refused" });
    expect(target.count()).toBe(0);
  });

  it("reaches a server under a name and its certificate, not its address", async () => {
    const resolve = async (host: string) => (host === "db.example" ? ["127.0.0.1"] : []);
    const egress = { allowPrivate: [], allowOnly: null, resolve };
    const named = await open({ ...source.config, host: "db.example" }, egress, source.secrets.password);
    expect((await named.check()).filter(({ ok }) => !ok)).toEqual([]);
  });
});

describe("what answers and is no Postgres", () => {
  const BANNERS: [string, string | Buffer][] = [
    ["SSH", "SSH-2.0-OpenSSH_9.6 canary-banner\r\n"],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\nserver: canary-banner\r\n\r\n"],
    ["Redis", "-ERR unknown command 'canary-banner'\r\n"],
    ["SMTP", "220 canary-banner ESMTP\r\n"],
    ["an unknown way to log in", message("R", 0, 0, 0, 99)],
    ["a message that is shorter than it says", message("T", 0, 9)],
    ["a row that nobody asked for", message("D", 0, 9, 0, 0, 0, 200)],
    ["an error without a code", message("E", 0)],
    ["a message of no kind", Buffer.from([0, 0, 0, 0, 4])],
    ["a message of no length", Buffer.from([65, 0, 0, 0, 0, 65, 0, 0, 0, 0])],
    ["a row after the login", Buffer.concat([LOGGED_IN, message("D", 0, 9)])],
    ["a copy after the login", Buffer.concat([LOGGED_IN, message("d", 1, 2)])],
  ];

  it.each(BANNERS)("is told as such, without its words, and breaks nothing but itself: %s", async (_, banner) => {
    const server = await listen((socket) => {
      socket.once("data", () => socket.write(banner));
    });
    const [check, ...more] = await (await open({ host: "127.0.0.1", port: server.port })).check();
    expect(more).toEqual([]);
    expect(check).toMatchObject({ name: "connect", ok: false, fix: expect.stringMatching(/\bhost and port\b/) });
    expect(JSON.stringify(check)).not.toMatch(/canary|OpenSSH|ESMTP/);
  });

  it.each([
    ["SSH", "SSH-2.0-OpenSSH_9.6 canary-banner\r\n"],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\nserver: canary-banner\r\n\r\n"],
    ["FTP", "220 canary-banner\r\n"],
  ])("is told as such without waiting for more where it speaks first: %s", async (_, banner) => {
    const server = await listen((socket) => socket.write(banner));
    const config = { host: "127.0.0.1", port: server.port, connectTimeoutSeconds: 120 };
    const [check] = await (await open(config)).check();
    expect(check).toMatchObject({ ok: false, fix: expect.stringContaining("no Postgres server") });
    expect(JSON.stringify(check)).not.toContain("canary");
  });

  it("is told as such where TLS was asked for", async () => {
    const server = await listen((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 400 canary-banner\r\n"));
    });
    const [check] = await (await open({ host: "127.0.0.1", port: server.port, sslMode: "require" })).check();
    expect(check).toMatchObject({ ok: false, fix: expect.stringContaining("no Postgres server") });
  });

  it("is cut off when it sends without end in place of a login", async () => {
    const sent = { bytes: 0 };
    const server = await listen((socket) => {
      const piece = Buffer.alloc(64 * 1024);
      const sendMore = () => {
        while (!socket.destroyed && socket.write(piece)) sent.bytes += piece.length;
      };
      socket.on("drain", sendMore);
      socket.once("data", () => {
        // The beginning of a notice of 2 GB.
        socket.write(Buffer.from([78, 0x7f, 0xff, 0xff, 0xff]));
        sendMore();
      });
    });
    const config = { host: "127.0.0.1", port: server.port, connectTimeoutSeconds: 120 };
    const [check] = await (await open(config)).check();
    expect(check).toMatchObject({ ok: false, message: expect.stringContaining("more than 1 MiB came in answer") });
    expect(sent.bytes).toBeLessThan(1024 ** 3);
  });

  it("is cut off when it logs us in and then answers a question without end", async () => {
    const rows = Buffer.concat(
      Array.from({ length: 100 }, () => message("D", 0, 1, 0, 0, 0, 100, ...Array(100).fill(65))),
    );
    const server = await listen((socket) => {
      const sendMore = () => {
        while (!socket.destroyed && socket.write(rows));
      };
      socket.once("data", () => {
        socket.write(Buffer.concat([message("R", 0, 0, 0, 0), message("Z", "I".charCodeAt(0))]));
        socket.on("drain", sendMore);
        socket.once("data", () => {
          socket.write(message("T", 0, 1, 97, 0, ...Array(18).fill(0)));
          sendMore();
        });
      });
    });
    const [check] = await (await open({ host: "127.0.0.1", port: server.port, connectTimeoutSeconds: 120 })).check();
    expect(check).toMatchObject({ ok: false, message: expect.stringContaining("MiB came in answer") });
  });

  it("shows no part of the password where its words are cut", async () => {
    const password = "S3cr+t-canary-of-many-letters";
    for (const after of [250, 240, 230]) {
      const said = `SFATAL\0C28P01\0M${"x".repeat(after)}${password}\0\0`;
      const server = await listen((socket) => {
        socket.once("data", () => socket.end(errorOf(said)));
      });
      const checks = await (await open({ host: "127.0.0.1", port: server.port }, LOOPBACK_EGRESS, password)).check();
      expect(JSON.stringify(checks)).toContain("x***");
      expect(JSON.stringify(checks)).not.toContain("S3cr");
    }
  });

  it("is given up when it takes the connection and says nothing", async () => {
    const server = await listen();
    const [check] = await (await open({ host: "127.0.0.1", port: server.port })).check();
    expect(check).toMatchObject({ ok: false, fix: expect.stringContaining("connectTimeoutSeconds") });
  });
});
