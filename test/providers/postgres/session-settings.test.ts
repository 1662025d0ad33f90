import { afterAll, beforeAll, expect, it } from "vitest";
import { HOSTILE_SCHEMA, HOSTILE_SETTINGS } from "../../support/hostile-settings.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

const VALUES = `
  create table awkward (
    id integer primary key, at timestamptz, local timestamp, day date, span interval, bytes bytea, ratio double precision, small real,
    names text[], doc xml, note text, amount numeric
  );
  insert into awkward values
    (1, '2026-01-02 03:04:05.678901+05:45', 'infinity', '0044-03-15 BC', '1 mon -2 days 03:04:05.678901', '\\x00ff5c', 0.1,
     3.4028235e38, '{NULL,"NULL",a}', xmlparse(content 'x<a/>y'), E'Größe \\\\ ''q'' 日本', 1.10),
    (2, '-infinity', '2026-10-25 02:30:00', '5874897-12-31', '-178000000 years', '', 'NaN', 0.3, '{}', '<a/>', '', 'NaN');
  insert into awkward (id) values (3);
  create view shown as select * from awkward;
  ${HOSTILE_SCHEMA}`;

let source: PostgresSource;
beforeAll(async () => {
  source = await createPostgresSource(VALUES);
});
afterAll(() => source.close());

it("what is read does not depend on settings of the role", { timeout: 600_000 }, async () => {
  const read = async () => {
    const rows = [];
    for (const [entityKey, keyColumns] of [
      ["public.awkward", ["id"]],
      ["public.shown", []],
    ] as const) {
      rows.push(await source.readAll(await source.plan({ entityKey, keyColumns: [...keyColumns] }), 1));
    }
    return rows;
  };
  const plain = await read();
  expect(plain[0]).toHaveLength(3);
  const known = (await source.sql<{ name: string }>("select lower(name) as name from pg_settings")).map(
    ({ name }) => name,
  );
  const settings = [
    ...HOSTILE_SETTINGS,
    ["transaction_timeout", "200ms"],
    ["restrict_nonsystem_relation_kind", "view"],
  ] as const;
  for (const [name, value] of settings) {
    if (!known.includes(name.toLowerCase())) continue;
    const literal = name === "search_path" && value !== "" ? value : `'${value}'`;
    const owner = `role ${source.config.user}`;
    await source.sql(`alter ${owner} set ${name} = ${literal}`);
    expect({ name, rows: await read() }).toEqual({ name, rows: plain });
    await source.sql(`alter ${owner} reset all`);
  }
});
