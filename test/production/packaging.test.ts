import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const read = (path: string) => readFileSync(path, "utf8");

describe("what is deployed", () => {
  const copied = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = ""]) =>
    from.split(" "),
  );

  it("the image copies what is there, and what the build is allowed to see", () => {
    const visible = [...read(".dockerignore").matchAll(/^!(.+)$/gm)].map(([, path]) => path);
    expect(copied.length).toBeGreaterThan(10);
    expect(copied.filter((path) => !existsSync(path))).toEqual([]);
    expect(copied.filter((path) => !visible.includes(path))).toEqual([]);
  });

  it("every room of the program is in the image", () => {
    const rooms = [
      "core",
      "egress",
      "db",
      "control",
      "workflows",
      "activities",
      "providers",
      "destinations",
      "api",
      "worker.ts",
      "start-worker.ts",
    ];
    expect(copied).toEqual(expect.arrayContaining(rooms));
  });

  it("every file beside the rooms that a process imports is in the image", () => {
    const roots = ["start-worker.ts", "worker.ts", "bundle-workflows.ts"];
    // A set yields what is added while it is read.
    const needed = new Set(roots);
    for (const file of needed) {
      for (const [, imported = ""] of read(file).matchAll(/(?:from|import\() ?"\.\/([\w-]+\.(?:ts|json))"/g)) {
        needed.add(imported);
      }
    }
    expect(needed.size).toBeGreaterThan(roots.length);
    expect([...needed].filter((file) => !copied.includes(file))).toEqual([]);
  });

  it("every variable that a process reads is in the operations guide", () => {
    const sources = ["control/env.ts", "worker.ts", "api/env.ts", "api/access-env.ts"].map(read).join("\n");
    const variables = new Set([...sources.matchAll(/^ +([A-Z][A-Z_]{3,}):/gm)].map(([, name = ""]) => name));
    const guide = read("docs/guide/operations.md");
    expect(variables.size).toBeGreaterThan(20);
    expect([...variables].filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });

  it("the composed services that stay are all checked for their health", () => {
    const services =
      read("docker-compose.yml")
        .split(/^services:$/m)[1]
        ?.split(/^configs:$/m)[0] ?? "";
    const blocks = services.split(/^ {2}(?=\S+:$)/m).slice(1);
    const staying = blocks.filter((block) => !/restart: on-failure/.test(block));
    expect(staying.map((block) => block.split(":")[0])).toEqual([
      "postgres",
      "temporal",
      "temporal-ui",
      "api",
      "worker",
    ]);
    expect(staying.filter((block) => !block.includes("healthcheck:"))).toEqual([]);
  });
});
