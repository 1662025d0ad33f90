import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchApi, whenReady } from "../support/api-process.ts";
import { createControlDatabase, type TestDatabase, withClient } from "../support/postgres.ts";
import type { Row } from "../support/world.ts";

/** What a process may take at its highest (`docs/guide/operations.md`). */
const MAX_RESIDENT_BYTES = 256 * 1024 * 1024;

let database: TestDatabase;
let child: ChildProcess;
let url: string;
beforeAll(async () => {
  database = await createControlDatabase();
  await withClient(database.url, async (client) => {
    await client.query(LARGE_SYNCS);
  });
  const launched = launchApi({ DATABASE_URL: database.url });
  child = launched.child;
  url = (await whenReady(launched)).url;
});
afterAll(async () => {
  child.kill("SIGKILL");
  await once(child, "exit");
  await database.drop();
});

const LARGE_SYNCS = `
  insert into connections (id, name, provider, config, secrets, task_queue, status, checks, created_by, updated_by)
  values ('00000000-0000-4000-8000-000000000000', 'source', 'postgres', '{}', '{}', 'sluice', 'unchecked', '[]', 'test', 'test');
  insert into syncs (id, connection_id, name, slug, task_slug, provider_key, status, entities, source_config, destination_config,
    execution_config, execution_mode, execution_backend, trigger_mode, created_by, updated_by)
  select gen_random_uuid(), '00000000-0000-4000-8000-000000000000', 'sync ' || n, 'sync-' || n, 'sync-' || n, 'postgres', 'draft',
    array(select 'public.table_of_a_long_name_' || e from generate_series(1, 5000) e), '{}', '{}', '{}', 'sequential', 'native',
    'manual', 'test', 'test'
  from generate_series(1, 60) n;
  insert into table_bindings (id, sync_id, entity_key, source_instance_key, logical_table_name, physical_table_name,
    table_naming_version, load_mode, primary_key_columns)
  select gen_random_uuid(), s.id, e, 'db.example.com:5432/shop', 'table_of_a_long_name', replace(e, '.', '_'), 'v2', 'upsert', '{id}'
  from syncs s, unnest(s.entities) e;
  analyze;`;

async function peakBytes(): Promise<number> {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${child.pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

function ask(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(`${url}/api/v1${path}`, { agent: false }, resolve).on("error", reject);
  });
}

async function sizeOf(answer: IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of answer) size += chunk.length;
  return size;
}

describe("a page of large syncs", () => {
  it("is whole for many at once, and the process stays small", async () => {
    const slow = await ask("/syncs?limit=100");
    slow.pause();
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask("/syncs?limit=60")));
    const sizes = await Promise.all(answers.map(sizeOf));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    expect(new Set(sizes).size).toBe(1);
    expect(sizes[0]).toBeGreaterThan(100_000_000);
    slow.destroy();
    expect(await peakBytes()).toBeLessThan(MAX_RESIDENT_BYTES);
  });

  it("is JSON of as many items as were asked for, each as it is told alone", async () => {
    const text = await textOf(await ask("/syncs?limit=7&offset=3"));
    const page = JSON.parse(text);
    expect(page).toMatchObject({ hasNext: true, limit: 7, offset: 3, total: 60 });
    expect(page.syncs.map(({ tableBindings }: Row) => tableBindings.length)).toEqual(Array(7).fill(5000));
    const [first] = page.syncs;
    expect(JSON.parse(await textOf(await ask(`/syncs/${first.id}`)))).toEqual(first);
    // An edit is answered from rows; lists from what Postgres writes of them.
    const edited = await fetch(`${url}/api/v1/syncs/${first.id}`, {
      method: "PATCH",
      body: '{"name": "renamed"}',
      headers: { "content-type": "application/json" },
    });
    const { name, updatedAt, updatedBy, ...rest } = first;
    expect(edited.status).toBe(200);
    expect(JSON.parse(await edited.text())).toMatchObject({ ...rest, name: "renamed" });
    const again = JSON.parse(await textOf(await ask(`/syncs/${first.id}`)));
    expect(again).toMatchObject({ ...rest, name: "renamed" });
  });

  it("is empty JSON for those who ask for headers, and holds nothing", async () => {
    for (let turn = 0; turn < 40; turn++) {
      const head = await fetch(`${url}/api/v1/syncs?limit=100`, { method: "HEAD" });
      expect([head.status, head.headers.get("content-type")]).toEqual([200, "application/json"]);
    }
    const answer = await ask("/syncs?limit=2");
    expect([answer.statusCode, await sizeOf(answer)]).toEqual([200, expect.any(Number)]);
  });

  it("is refused with 503 where clients hold too many, and there again when they have left", async () => {
    const held: IncomingMessage[] = [];
    let refused: IncomingMessage | null = null;
    while (refused === null && held.length < 100) {
      const answer = await ask("/syncs?limit=100");
      answer.pause();
      if (answer.statusCode === 200) held.push(answer);
      else refused = answer;
    }
    expect([refused?.statusCode, refused?.headers["retry-after"]]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    expect(JSON.parse(await textOf(refused as IncomingMessage))).toMatchObject({ code: "too_many_lists" });
    // What is small is answered all the same.
    expect((await fetch(`${url}/api/v1/connections`)).status).toBe(200);
    for (const answer of held) answer.destroy();
    const answer = await ask("/syncs?limit=3");
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(await textOf(answer)).syncs).toHaveLength(3);
  });

  it("whose database goes away in the middle breaks the connection, and does not look whole", async () => {
    const answer = await ask("/syncs?limit=100");
    answer.pause();
    await withClient(database.url, async (client) => {
      await client.query("alter table table_bindings rename to table_bindings_away");
      const broken = textOf(answer);
      await expect(broken).rejects.toThrow(/aborted|hang up|ECONNRESET/);
      await client.query("alter table table_bindings_away rename to table_bindings");
    });
    expect((await ask("/syncs?limit=1")).statusCode).toBe(200);
  });
});

describe("edits of large syncs", () => {
  it("that come all at once take their turns: the process stays small, and others are answered", async () => {
    const { syncs } = JSON.parse(await textOf(await ask("/syncs?limit=12")));
    const edits = syncs.map(({ id, entities }: Row) =>
      fetch(`${url}/api/v1/syncs/${id}`, {
        method: "PATCH",
        body: JSON.stringify({ entities: entities.map((key: string) => `${key}_more`) }),
        headers: { "content-type": "application/json" },
      }).then(async (answer) => {
        await answer.text();
        return answer.status;
      }),
    );
    const neighbour = await fetch(`${url}/api/v1/runs`);
    // Whoever has waited too long comes again.
    for (const status of await Promise.all(edits)) expect([200, 503]).toContain(status);
    expect(neighbour.status).toBe(200);
    expect(await peakBytes()).toBeLessThan(MAX_RESIDENT_BYTES);
  }, 120_000);
});

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
