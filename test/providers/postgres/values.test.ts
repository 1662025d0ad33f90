import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReadRequest } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Values that get lost elsewhere: on the way through doubles, dates of JavaScript, or escaping. */
const VALUES = `
  create type mood as enum ('sad', 'it''s "ok"');
  create type address as (street text, zip text);
  create domain price as numeric(12, 4);
  create domain tag_list as text[];
  create table precious (
    id int primary key, big bigint, amount numeric, ratio double precision, small real, flag boolean, note text, fixed char(5),
    bytes bytea, day date, local timestamp, instant timestamptz, span interval, doc json, docb jsonb, numbers int[],
    grid text[][], cash money, feeling mood, feelings mood[], home address, cost price, tags tag_list, valid tstzrange,
    ip inet, bits bit varying, place point, doubled numeric generated always as (amount * 2) stored, ref oid
  );
  insert into precious (id, big, amount, ratio, small, flag, note, fixed, bytes, day, local, instant, span, doc, docb, numbers,
    grid, cash, feeling, feelings, home, cost, tags, valid, ip, bits, place, ref)
  values
    (1, 9223372036854775807, 12345678901234567890123456789.123456789, 0.1, 3.4028235e38, true,
     E'tab\\t nl\\n cr\\r bs\\\\ quote'' dq" \\\\N \\\\.', 'ab', '\\x00ff5c', '0044-03-15 BC', 'infinity',
     '2026-01-01 00:00:00.123456+02', '1 mon -2 days 03:04:05.678901', '{"a" :  1.0}', '{"b": [1e400]}', '{1,NULL,-3}',
     '{{a,"b c"},{"",NULL}}', 1234.56, 'it''s "ok"', '{sad,"it''s \\"ok\\""}', row('Main "St", 1', null), 1.5, '{x,"y,z"}',
     '[2026-01-01 00:00:00+00,)', '::1/128', B'101', '(1.5,-2)', 4294967295),
    (2, -9223372036854775808, 'NaN', '-Infinity', 'NaN', false, '🦥 Größe 日本', '', '', '5874897-12-31', '-infinity',
     'infinity', '-178000000 years', 'null', 'null', '{}', '{}', -0.01, 'sad', '{}', null, 0, '{}', 'empty', '10.0.0.0/8', B'',
     '(NaN,Infinity)', 0);
  insert into precious (id) values (3)`;

describe("values on their way from a Postgres source", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource(VALUES);
  });
  afterAll(() => source.close());

  it("arrive as they are, every type and every special value", async () => {
    const plan = await source.plan({ entityKey: "public.precious", keyColumns: ["id"] });
    expect(await source.readAll(plan)).toEqual(await printed());
  });

  it("arrive as they are when they are keys of batches", async () => {
    const plan = await source.plan({ entityKey: "public.precious", keyColumns: ["id"] });
    expect(await source.readAll(plan, 1)).toEqual(await printed());
  });

  it("are sent as text to a Postgres that is older, which may take binary ones for others", async () => {
    const plan = await source.plan({ entityKey: "public.precious", keyColumns: ["id"] });
    const formats = async (request: Partial<ReadRequest>) => {
      const found: string[] = [];
      const read = { spec: plan.spec, window: { by: "none" as const }, checkpoint: null, batchRows: 1, batchBytes: 1 };
      await source.use(async (opened) => {
        for await (const batch of opened.read({ ...read, ...request })) {
          if (batch.kind === "copy") for await (const _ of batch.stream);
          found.push(batch.kind === "copy" ? batch.format : batch.kind);
        }
      });
      return found;
    };
    expect(await formats({ copyFor: 9 })).toEqual(["text", "text", "text"]);
    expect(await formats({ copyFor: 9, asText: "first" })).toEqual(["text", "text", "text"]);
    expect(await formats({ copyFor: 99 })).toEqual(["binary", "binary", "binary"]);
    expect(await formats({ copyFor: 99, asText: "first" })).toEqual(["text", "binary", "binary"]);
  });

  async function printed(): Promise<string[]> {
    const rows = await source.sql<{
      row: string;
    }>(`select t::text as row from (select id, big, amount, ratio, small, flag, note,
      fixed, bytes, day, local, instant, span, doc, docb, numbers, grid, cash::numeric, feeling, feelings, home, cost, tags, valid,
      ip, bits, place, doubled, ref from precious) as t`);
    return rows.map(({ row }) => row).sort();
  }
});
