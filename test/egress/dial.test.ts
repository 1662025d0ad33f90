import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createDial } from "../../egress/dial.ts";
import { AddressRefusedError, type EgressPolicy } from "../../egress/policy.ts";
import { createDnsServer } from "../support/dns-server.ts";
import { createTcpServer } from "../support/tcp-server.ts";

const OPEN: EgressPolicy = { allowPrivate: [], allowOnly: null };
const TIME = { timeoutMs: 10_000 };

const opened: { close(): Promise<void> }[] = [];
async function keep<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
  const server = await opening;
  opened.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

describe("a name whose answers change", () => {
  it("is asked once for each connection, and the socket goes to the very address that was judged", async () => {
    const server = await keep(createTcpServer());
    const answers = ["127.0.0.1", "169.254.169.254"];
    const dns = await keep(createDnsServer(() => answers.shift() ?? "169.254.169.254"));
    const dial = createDial({ policy: { ...OPEN, resolve: dns.resolve }, reach: "private" });
    const target = { host: "rebinding.example", port: server.port };
    const socket = await dial(target, TIME);
    expect([socket.remoteAddress, dns.asked]).toEqual(["127.0.0.1", ["rebinding.example"]]);
    socket.destroy();
    await expect(dial(target, TIME)).rejects.toBeInstanceOf(AddressRefusedError);
    expect([server.count(), dns.asked.length]).toEqual([1, 2]);
  });

  it("reaches nothing when one of several answers must not be reached", async () => {
    const server = await keep(createTcpServer());
    const resolve = async () => ["127.0.0.1", "169.254.169.254"];
    const dial = createDial({ policy: { ...OPEN, resolve }, reach: "private" });
    await expect(dial({ host: "both.example", port: server.port }, TIME)).rejects.toBeInstanceOf(AddressRefusedError);
    expect(server.count()).toBe(0);
  });

  it("is tried at each of its addresses until one takes the connection", async () => {
    const server = await keep(createTcpServer());
    const dial = createDial({ policy: { ...OPEN, resolve: async () => ["::1", "127.0.0.1"] }, reach: "private" });
    const socket = await dial({ host: "two.example", port: server.port }, TIME);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
  });
});

describe("a list of the only hosts", () => {
  it("refuses other names without looking them up, and all of them without a connection", async () => {
    const server = await keep(createTcpServer());
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      return ["127.0.0.1"];
    };
    const dialTo = (allowOnly: string[], host: string) =>
      createDial({ policy: { ...OPEN, allowOnly, resolve }, reach: "private" })({ host, port: server.port }, TIME);
    const refused: [string[], string][] = [
      [["db.example"], "evil.example"],
      [["*.corp.example"], "db.example"],
      [[`db.example:${server.port + 1}`], "db.example"],
      [["db.example"], "127.0.0.1"],
    ];
    for (const [only, host] of refused) {
      const refusal = dialTo(only, host);
      await expect(refusal).rejects.toBeInstanceOf(AddressRefusedError);
      await expect(refusal).rejects.toMatchObject({ fix: expect.stringContaining("SLUICE_EGRESS_ALLOW_ONLY") });
    }
    expect(asked).toEqual([]);
    // A range has to judge the address.
    await expect(dialTo(["10.0.0.0/8"], "db.example")).rejects.toBeInstanceOf(AddressRefusedError);
    expect([asked, server.count()]).toEqual([["db.example"], 0]);
    (await dialTo(["db.example"], "db.example")).destroy();
    (await dialTo(["127.0.0.0/8"], "any.example")).destroy();
    expect(server.count()).toBe(2);
  });
});

describe("a connector that reaches public addresses alone", () => {
  it("reaches a private one when the operator names it", async () => {
    const server = await keep(createTcpServer());
    const dialWith = (allowPrivate: string[]) =>
      createDial({ policy: { ...OPEN, allowPrivate }, reach: "public" })(
        { host: "127.0.0.1", port: server.port },
        TIME,
      );
    await expect(dialWith([])).rejects.toMatchObject({
      fix: expect.stringContaining("SLUICE_EGRESS_ALLOW_PRIVATE"),
    });
    (await dialWith(["127.0.0.1"])).destroy();
    expect(server.count()).toBe(1);
  });
});

describe("a connection that does not come about", () => {
  it("is told by host and port as they were given, never by what the name resolves to", async () => {
    const server = await createTcpServer();
    const { port } = server;
    await server.close();
    const dial = createDial({ policy: { ...OPEN, resolve: async () => ["127.0.0.1"] }, reach: "private" });
    await expect(dial({ host: "db.example", port }, TIME)).rejects.toMatchObject({
      message: `no connection to db.example:${port} (ECONNREFUSED)`,
      code: "ECONNREFUSED",
    });
  });

  it("never is a socket of the system's files, whatever the host says", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-socket-"));
    const taken: unknown[] = [];
    const server = createServer((socket) => taken.push(socket.destroy()));
    server.listen(join(dir, ".s.PGSQL.5432"));
    await once(server, "listening");
    try {
      const dial = createDial({ policy: OPEN, reach: "private" });
      for (const host of [dir, join(dir, ".s.PGSQL.5432"), `@${dir}`]) {
        await expect(dial({ host, port: 5432 }, TIME)).rejects.toMatchObject({ code: "ENOTFOUND" });
      }
      expect(taken).toEqual([]);
    } finally {
      server.close();
      await rm(dir, { recursive: true, force: true });
    }
  });

  it("ends with its time, also while a name is looked up", async () => {
    const dial = createDial({ policy: { ...OPEN, resolve: () => new Promise(() => undefined) }, reach: "private" });
    await expect(dial({ host: "db.example", port: 1 }, { timeoutMs: 50 })).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });

  it("ends with the signal, and with its reason", async () => {
    const dial = createDial({ policy: { ...OPEN, resolve: () => new Promise(() => undefined) }, reach: "private" });
    const controller = new AbortController();
    const dialled = dial({ host: "db.example", port: 1 }, { ...TIME, signal: controller.signal });
    const outcome = dialled.catch((error: unknown) => error);
    await sleep(10);
    controller.abort(new Error("enough"));
    expect(await outcome).toMatchObject({ message: "enough" });
  });
});
