import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { Destination, PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { HOSTILE_SCHEMA, HOSTILE_SETTINGS } from "../support/hostile-settings.ts";
import { claim, copyBatch, finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const COLUMNS = [
  ["id", "integer"],
  ["at", "timestamp with time zone"],
  ["day", "date"],
  ["span", "interval"],
  ["bytes", "bytea"],
  ["ratio", "double precision"],
  ["small", "real"],
  ["names", "text[]"],
  ["doc", "xml"],
  ["note", "text"],
].map(([name = "", type = ""]) => ({ name, type, nullable: true }));

const VALUES = [
  [
    "1",
    "2026-01-02 03:04:05.678901 IST",
    "01/02/2026",
    "1 day -2:03:04",
    "\\x00ff5c",
    "0.1",
    "3.4028235e38",
    '{NULL,"NULL",a}',
    "x<a/>y",
    "Größe \\ 'q' 日本",
  ],
  ["2", "infinity", "0044-03-15 BC", "-178000000 years", "", "NaN", "0.3", "{}", "<a/>", ""],
  ["3", null, null, null, null, null, null, null, null, null],
];

/** A role with what the guide grants it. */
async function openAsRole(): Promise<Warehouse & { role: string; login: () => Destination }> {
  const warehouse = await openWarehouse();
  const role = `loader_${randomBytes(6).toString("hex")}`;
  const url = new URL(warehouse.url);
  await warehouse.query("drop schema _sluice cascade");
  await warehouse.query(HOSTILE_SCHEMA);
  await warehouse.query(`create role ${role} login password 'loader'`);
  await warehouse.query(`grant connect, create, temporary on database "${url.pathname.slice(1)}" to ${role}`);
  onTestFinished(async () => {
    await warehouse.query(`drop owned by ${role} cascade`);
    await warehouse.query(`drop role ${role}`);
  });
  url.username = role;
  url.password = "loader";
  return { ...warehouse, role, login: () => warehouse.reopen({ url: url.href }) };
}

/** A first load, a merge that writes nothing and one that does, and a full refresh. */
async function runAll(destination: Destination, table = "orders"): Promise<void> {
  await destination.ensureLedger();
  const columns = COLUMNS.map(({ name }) => name);
  const loadAll = async (rows: (string | null)[][], overrides: Partial<PrepareRequest>) => {
    const request = prepareRequest({ columns: COLUMNS, cursorField: "at", table, ...overrides });
    const target = await destination.prepareEntity(request);
    const result = await load({ destination }, target, request, rows, { columns });
    if (hasFinish(target)) await finish({ destination }, target, request);
    return result;
  };
  await loadAll(VALUES.slice(1), {});
  expect(await loadAll(VALUES.slice(1), {})).toMatchObject({ rowsWritten: 0, rowsRejected: 0 });
  expect(await loadAll(VALUES, {})).toMatchObject({ rowsWritten: 1, rowsRejected: 0 });
  expect(await loadAll(VALUES, { complete: true, fromScratch: true })).toMatchObject({
    rowsWritten: 3,
    rowsRejected: 0,
  });
}

const stored = (warehouse: Warehouse, table = "orders") =>
  warehouse.query(
    `select id, at::text, day::text, span::text, encode(bytes, 'hex') as bytes, ratio::text, small::text, array_to_json(names) as names,
            doc::text, note
     from shop.${table} order by id`,
  );

test("what a warehouse stores does not depend on settings of its role or database", { timeout: 900_000 }, async () => {
  const warehouse = await openAsRole();
  await runAll(warehouse.login());
  const plain = await stored(warehouse);
  const database = new URL(warehouse.url).pathname.slice(1);
  for (const [index, [name, value]] of HOSTILE_SETTINGS.entries()) {
    const literal = name === "search_path" && value !== "" ? value : `'${value}'`;
    const owner = index % 2 === 0 ? `role ${warehouse.role}` : `database "${database}"`;
    await warehouse.query(`alter ${owner} set ${name} = ${literal}`);
    await runAll(warehouse.login(), `under_${index}`);
    expect({ name, rows: await stored(warehouse, `under_${index}`) }).toEqual({ name, rows: plain });
    await warehouse.query(`alter ${owner} reset all`);
  }
});

test("a load may take longer than the role's transactions", async () => {
  const warehouse = await openAsRole();
  const [{ known } = { known: false }] = await warehouse.query<{ known: boolean }>(
    "select exists (select from pg_settings where name = 'transaction_timeout') as known",
  );
  const setting = known ? "transaction_timeout" : "statement_timeout";
  await warehouse.query(`alter role ${warehouse.role} set ${setting} = '300ms'`);
  const destination = warehouse.login();
  await destination.ensureLedger();
  const request = prepareRequest();
  const target = await destination.prepareEntity(request);
  const writer = await claim({ destination }, target, request);
  async function* slowly() {
    yield Buffer.from("1\ta\t2026-01-01\n");
    await sleep(600);
    yield Buffer.from("2\tb\t2026-01-01\n");
  }
  expect(await writer.write(copyBatch(Readable.from(slowly()), { final: true }))).toMatchObject({ rowsWritten: 2 });
});

test("a setting that only a superuser may take back is named, and who can do it", async () => {
  const warehouse = await openAsRole();
  await warehouse.query(`alter role ${warehouse.role} set session_replication_role = replica`);
  await expect(warehouse.login().ensureLedger()).rejects.toMatchObject({
    reasonCode: "destination_permission_denied",
    message: expect.stringMatching(/session_replication_role.*alter role/),
  });
});

test("a tablespace that the role asks for and that does not exist is not asked for", async () => {
  const warehouse = await openAsRole();
  await warehouse.query(`alter role ${warehouse.role} set default_tablespace = 'not_there'`);
  await runAll(warehouse.login());
  expect(await warehouse.query("select count(*)::int as rows from shop.orders")).toEqual([{ rows: 3 }]);
});

test("of a role that works as another, sessions are still seen and ended", async () => {
  const warehouse = await openAsRole();
  const owner = `${warehouse.role}_owner`;
  await warehouse.query(`create role ${owner}`);
  onTestFinished(async () => {
    await warehouse.query(`drop owned by ${owner} cascade`);
    await warehouse.query(`drop role ${owner}`);
  });
  await warehouse.query(
    `grant connect, create, temporary on database "${new URL(warehouse.url).pathname.slice(1)}" to ${owner};
     grant ${owner} to ${warehouse.role}; alter role ${warehouse.role} set role = ${owner}`,
  );
  const destination = warehouse.login();
  await runAll(destination);
  const request = prepareRequest({ columns: COLUMNS, cursorField: "at" });
  const target = await destination.prepareEntity(request);
  const before = await claim({ destination }, target, request);
  const after = await claim({ destination }, target, request);
  await after.finish();
  await expect(before.finish()).rejects.toThrow(/taken over/);
});
