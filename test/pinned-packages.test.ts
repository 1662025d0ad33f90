import { existsSync, globSync, readFileSync } from "node:fs";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { describe, expect, it } from "vitest";
import { OLDEST_NODE, requireNode } from "../control/node-version.ts";

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const { dependencies, engines, optionalDependencies } = readJson("package.json");
const installed = (name: string): string => readJson(`node_modules/${name}/package.json`).version;

/** The versions whose private parts were read. To raise one: read again what is listed below, then change it here. */
const CHECKED: Record<string, string> = { pg: "8.23.1", "pg-copy-streams": "7.0.0", "pg-protocol": "1.16.1" };

describe("packages of which private members are used", () => {
  it.each(Object.entries(CHECKED))("%s is the version %s, which was read, and nothing else", (name, version) => {
    expect(installed(name)).toBe(version);
    // pg brings its protocol along, which the lock file holds.
    const pinned = dependencies[name] ?? readJson("package-lock.json").packages[`node_modules/${name}`].version;
    expect(pinned).toBe(version);
  });

  it("a COPY into a table writes each chunk by `flushChunk` (destinations/load/copy-in.ts)", () => {
    const copy = copyFrom("copy t from stdin");
    const flushed: string[] = [];
    Object.assign(copy, { flushChunk: (chunk: Buffer) => flushed.push(chunk.toString()) > 0 });
    Object.assign(copy, { connection: { stream: { write: () => true } } });
    copy.write("one");
    Reflect.apply(Reflect.get(copy, "handleCopyInResponse"), copy, [new pg.Client().connection]);
    copy.write("two");
    copy.end();
    expect(flushed.join("")).toBe("onetwo");
  });

  it("a client greets the server by `connection.startup`, over `connection.stream` (providers/postgres/raw-encoding.ts)", () => {
    const { connection } = new pg.Client();
    const written: Buffer[] = [];
    Object.assign(connection, { stream: { write: (bytes: Buffer) => written.push(bytes) } });
    expect(connection).toHaveProperty("startup", expect.any(Function));
    Reflect.apply(Reflect.get(connection, "startup"), connection, [{ user: "somebody" }]);
    expect(Buffer.concat(written).toString("latin1")).toContain("user\0somebody\0");
  });

  it("nothing else reaches into them", () => {
    const reaching = globSync("{activities,api,control,db,destinations,providers}/**/*.ts").filter((path) =>
      /\.connection\.stream|flushChunk|connection, \{ startup|listeners\("data"\)/.test(readFileSync(path, "utf8")),
    );
    expect(reaching.sort()).toEqual([
      "destinations/load/copy-in.ts",
      "providers/postgres/copy-out.ts",
      "providers/postgres/raw-encoding.ts",
    ]);
  });
});

describe("the Node that production needs", () => {
  const isOlder = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true }) < 0;

  it("is what `engines` says, what the check at the start asks for, and what is installed", () => {
    expect(engines.node).toBe(`>=${OLDEST_NODE}`);
    expect(readJson("package-lock.json").packages[""].engines).toEqual(engines);
    expect(() => requireNode(process.versions.node)).not.toThrow();
    expect(() => requireNode("24.1.9")).toThrow(/needs Node 24\.2\.0 or later, and this is 24\.1\.9/);
    expect(() => requireNode("24.10.0")).not.toThrow();
    for (const range of Object.values(optionalDependencies)) expect(range).toBe(`${OLDEST_NODE.split(".")[0]}.x`);
    expect(readFileSync("Dockerfile", "utf8").match(/^FROM node:(\d+)/m)?.[1]).toBe(OLDEST_NODE.split(".")[0]);
  });

  it("has what is called without asking whether it is there", () => {
    expect(process.execve).toBeTypeOf("function");
    expect(import.meta).toHaveProperty("url");
  });

  it("is new enough for every package of production", () => {
    const needs = Object.keys(dependencies)
      .filter((name) => existsSync(`node_modules/${name}/package.json`))
      .map((name) => [name, readJson(`node_modules/${name}/package.json`).engines?.node] as const);
    expect(needs.length).toBe(Object.keys(dependencies).length);
    const newer = needs.filter(([, range]) => {
      const [, least] = />= ?([\d.]+)/.exec(range ?? "") ?? [];
      return least !== undefined && isOlder(OLDEST_NODE, least);
    });
    expect(newer).toEqual([]);
  });
});
