import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, type World, whenChainEnded } from "../support/world.ts";

/** Real runs over what other tools' bug reports say of REST APIs. */

type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };

let world: World;
let server: Server;
let answer: (url: URL) => Answer = () => ({ status: 404 });

beforeAll(async () => {
  world = await createWorld();
  await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
  server = createServer((request, response) => {
    const { status = 200, headers = {}, body } = answer(new URL(request.url ?? "/", "http://here"));
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await world.close();
});

/** A sync of one resource `items`. */
async function syncOf(resource: Row, binding: Row = {}): Promise<Row> {
  const { port } = server.address() as AddressInfo;
  const items = { name: "items", path: "items", primaryKey: ["id"], ...resource };
  const { status, body } = await world.api("POST", "/connections", {
    ...{ name: `odd ${randomUUID()}`, provider: "http_api" },
    config: { baseUrl: `http://127.0.0.1:${port}`, resources: [items], retry: { maxAttempts: 1 } },
  });
  if (status !== 201) throw new Error(`connection: ${status} ${JSON.stringify(body)}`);
  return world.createSync({
    ...{ connectionId: body.id, entities: ["items"], destinationConfig: { schema: `odd_${randomUUID().slice(0, 8)}` } },
    tableBindings: [{ entityKey: "items", ...binding }],
  });
}

async function run(sync: Row, body: Row = {}): Promise<Row> {
  const { id } = await trigger(world, sync.id, body);
  return whenChainEnded(world, id);
}

const rowsOf = (sync: Row, what: string): Promise<Row[]> =>
  world.warehouse(`select ${what} from ${tableOf(sync, "items")}`);

/** With the plan's token where it wants one. */
async function refresh(sync: Row): Promise<Row> {
  const plan = await world.api("POST", `/syncs/${sync.id}/plan`, { runMode: "full_refresh" });
  const { confirmToken } = plan.body;
  const triggered = await world.fetch(
    new Request(`http://127.0.0.1/api/v1/syncs/${sync.id}/trigger`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(confirmToken ? { "sluice-confirm-plan": confirmToken } : {}),
      },
      body: JSON.stringify({ runMode: "full_refresh" }),
    }),
  );
  const { id } = JSON.parse(await triggered.text());
  return whenChainEnded(world, id);
}

describe("a cursor is compared as what it means, in a run of each load mode", () => {
  const formats: [string, Row, (date: Date) => unknown][] = [
    ["%d/%m/%Y", { format: "%d/%m/%Y" }, (date) => date.toISOString().slice(0, 10).split("-").reverse().join("/")],
    ["rfc2822", { format: "rfc2822" }, (date) => date.toUTCString()],
    ["epoch_s as text", { format: "epoch_s" }, (date) => String(Math.floor(date.getTime() / 1000))],
    ["epoch_ms as a number", { format: "epoch_ms" }, (date) => date.getTime()],
    [
      "%m/%d/%Y %I:%M %p",
      { format: "%-m/%-d/%Y %-I:%M %p" },
      (date) =>
        `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()} ${date.getUTCHours() % 12 || 12}:59 ${date.getUTCHours() < 12 ? "AM" : "PM"}`,
    ],
    ["offsets", { format: "iso8601" }, (date) => `${date.toISOString().slice(0, 19)}+00:00`],
  ];
  const modes = ["upsert", "upsert_soft_delete", "delete_insert", "scd2", "append_event"];
  it.each(formats)("%s", async (_, incremental, write) => {
    const day = (year: number, month: number, date: number) => new Date(Date.UTC(year, month - 1, date, 9));
    const record = (id: number, date: Date, note: string) => ({ id, note, at: write(date) });
    for (const loadMode of modes) {
      let records = [
        record(1, day(2025, 12, 31), "old"),
        record(2, day(2026, 6, 15), "old"),
        record(3, day(2026, 11, 20), "old"),
      ];
      answer = () => ({ body: records });
      const sync = await syncOf({ incremental: { cursorField: "at", ...incremental } }, { loadMode });
      expect(await run(sync), loadMode).toMatchObject({ status: "succeeded" });
      // Smaller as text in most formats, and newer than the clock of the run before.
      records = [record(1, new Date(Date.now() + 3_600_000), "new"), ...records.slice(1)];
      expect(await run(sync), loadMode).toMatchObject({ status: "succeeded" });
      const rows = await rowsOf(sync, "id::int, note");
      const sorted = rows.map(({ id, note }) => `${id} ${note}`).sort();
      const current = ["1 new", "2 old", "3 old"];
      const all = ["1 new", "1 old", "2 old", "3 old"];
      // An event that has come stays as it was.
      const expected = { scd2: [all], append_event: [all, ["1 old", "2 old", "3 old"]] }[loadMode] ?? [current];
      expect(expected, `${loadMode}: ${sorted}`).toContainEqual(sorted);
    }
  });
});

it("names that collide keep their columns over refreshes, whatever their order and whoever comes later", async () => {
  answer = () => ({ body: '[{"key":1,"id":"lower","ID":"upper","größe":"g","订单":"o"}]' });
  const sync = await syncOf({ primaryKey: ["key"] });
  expect(await run(sync)).toMatchObject({ status: "succeeded" });
  const before = await world.warehouse(`select to_jsonb(t) as row from ${tableOf(sync, "items")} t`);
  const nameOf = (value: string, row: Row) => Object.keys(row).find((name) => row[name] === value);
  const names = ["lower", "upper", "g", "o"].map((value) => nameOf(value, before[0]?.row));
  expect(names).toEqual(["id", expect.stringMatching(/^id_/), "größe", "订单"]);
  answer = () => ({
    body: '[{"Id":"newcomer","ID":"upper","订单":"o","id":"lower","größe":"g","key":1,"GRÖSSE":"big"}]',
  });
  expect(await refresh(sync)).toMatchObject({ status: "succeeded" });
  const [after] = await world.warehouse(`select to_jsonb(t) as row from ${tableOf(sync, "items")} t`);
  expect(["lower", "upper", "g", "o"].map((value) => nameOf(value, after?.row))).toEqual(names);
  expect(nameOf("newcomer", after?.row)).toMatch(/^id_/);
});

it("keys that differ by case, a blank or nothing are rows of their own, and change alone", async () => {
  const keys = ["a", "A", "a ", "", "é", "e\u0301", "ａ"];
  let note = "one";
  answer = () => ({ body: keys.map((id) => ({ id, note: id === "A" ? note : "same" })) });
  const sync = await syncOf({});
  expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: keys.length } });
  note = "two";
  expect(await run(sync)).toMatchObject({ status: "succeeded" });
  expect(await rowsOf(sync, "count(*)::int as rows, count(*) filter (where note = 'two')::int as changed")).toEqual([
    { rows: keys.length, changed: 1 },
  ]);
});

it("numbers keep their digits, and one that outgrows its column is not lost", async () => {
  let body = '[{"id":1,"n":1.10,"x":7},{"id":2,"n":1e2,"x":-0}]';
  answer = () => ({ body });
  const sync = await syncOf({});
  expect(await run(sync)).toMatchObject({ status: "succeeded" });
  expect(await rowsOf(sync, "id::text, n::text, x::text")).toEqual([
    { id: "1", n: "1.10", x: "7" },
    { id: "2", n: "100", x: expect.stringMatching(/^-?0$/) },
  ]);
  body = '[{"id":1,"n":1.10,"x":12345678901234567890},{"id":98765432109876543210,"n":2.50,"x":1}]';
  const ended = await run(sync);
  const rows = await rowsOf(sync, "id::text, n::text, x::text, _unmapped");
  const found = rows.some(({ id }) => id === "98765432109876543210");
  expect([ended.status, found]).toEqual(found ? ["succeeded", true] : ["partial", false]);
  expect(JSON.stringify(rows)).toContain("12345678901234567890");
});

it("an entity of which every record is rejected is not done", async () => {
  answer = () => ({
    body: [
      { id: 1, n: "x" },
      { id: 2, n: "y" },
    ],
  });
  const sync = await syncOf({ fields: { n: "bigint" } });
  const ended = await run(sync);
  expect(ended).toMatchObject({ status: "failed", summary: { entities: { items: { status: "failed" } } } });
});

it("a body in the other format fails the run, with what it is", async () => {
  answer = () => ({ body: [{ id: 1 }] });
  const sync = await syncOf({ format: "ndjson", fields: { id: "bigint" }, additionalFields: "keep" });
  const ended = await run(sync);
  expect(ended).toMatchObject({ status: "failed", resultReasonCode: "source_response_invalid" });
  expect(JSON.stringify(ended)).toContain("one JSON document");
});

it("rows that an empty page hides are not marked deleted, and a total that grows is read to its end", async () => {
  const all = Array.from({ length: 45 }, (_, n) => ({ id: n + 1 }));
  let hidden = false;
  let total = 45;
  answer = (url) => {
    const at = Number(url.searchParams.get("offset"));
    return { body: { data: hidden && at >= 10 ? [] : all.slice(at, at + 10), total } };
  };
  const paginator = { type: "offset", limit: 10, totalPath: "total" };
  const sync = await syncOf({ paginator }, { loadMode: "upsert_soft_delete" });
  expect(await run(sync)).toMatchObject({ status: "succeeded" });
  hidden = true;
  expect(await run(sync)).toMatchObject({ status: "failed" });
  const counts = "count(*)::int as rows, count(_deleted_at)::int as deleted";
  expect(await rowsOf(sync, counts)).toEqual([{ rows: 45, deleted: 0 }]);
  hidden = false;
  answer = (url) => {
    const at = Number(url.searchParams.get("offset"));
    if (at >= 30 && all.length === 45) all.push({ id: 46 });
    total = all.length;
    return { body: { data: all.slice(at, at + 10), total } };
  };
  expect(await run(sync)).toMatchObject({ status: "succeeded" });
  expect(await rowsOf(sync, counts)).toEqual([{ rows: 46, deleted: 0 }]);
});

it("a full refresh that could not be shown to be complete fails, and the table stays", async () => {
  let count = 25;
  answer = (url) => {
    const at = Number(url.searchParams.get("offset"));
    return { body: Array.from({ length: Math.max(0, Math.min(10, count - at)) }, (_, n) => ({ id: at + n + 1 })) };
  };
  const sync = await syncOf({ paginator: { type: "offset", limit: 10 } });
  expect(await run(sync)).toMatchObject({ status: "succeeded" });
  count = 5;
  expect(await refresh(sync)).toMatchObject({ status: "failed", resultReasonCode: "config_invalid" });
  expect(await rowsOf(sync, "count(*)::int as rows")).toEqual([{ rows: 25 }]);
});
