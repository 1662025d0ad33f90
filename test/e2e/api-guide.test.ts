import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OPEN_ACCESS } from "../../api/access.ts";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { type Example, runExamples } from "../support/curl-examples.ts";
import { createWorld, type World } from "../support/world.ts";

let world: World;
let examples: Example[];

beforeAll(async () => {
  const { key, entry } = makeApiKey("guide", "admin");
  world = await createWorld({ access: { ...OPEN_ACCESS, keys: parseApiKeys(entry) } });
  await world.source(`
    create schema shop;
    create table shop.orders (id bigint primary key, note text, updated_at timestamptz not null);
    create table shop.customers (id bigint primary key, name text);
    insert into shop.orders select i, md5(i::text), timestamptz '2025-01-01' + i * interval '1 s' from generate_series(1, 5000) i;
    insert into shop.customers select i, md5(i::text) from generate_series(1, 500) i;
    analyze`);
  await world.startWorker();
  const { config = {}, secrets } = world.sourceConnection();
  const guide = await readFile("docs/guide/api.md", "utf8");
  const base = "http://127.0.0.1:8080";
  examples = await runExamples(guide, world.fetch, {
    base,
    api: `${base}/api/v1`,
    auth: `X-API-Key: ${key}`,
    json: "content-type: application/json",
    source_host: String(config.host),
    source_port: String(config.port),
    source_database: String(config.database),
    source_user: String(config.user),
    source_password: String(secrets?.password),
  });
});
afterAll(() => world.close());

it("every example of the guide works, in order", () => {
  expect(examples.length).toBeGreaterThan(35);
});

it("every operation has an example under its own heading", async () => {
  const { paths } = JSON.parse(await readFile("docs/openapi.json", "utf8")) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({ path, method: method.toUpperCase(), operationId })),
  );
  const missing = operations.filter(
    ({ path, method, operationId }) =>
      !examples.some(
        (example) =>
          example.operationId === operationId &&
          example.method === method &&
          new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(example.path),
      ),
  );
  expect(missing).toEqual([]);
});
